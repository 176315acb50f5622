// tlog_check FOLDER: checks an exported journal with Go's own packages for signed notes and tiled logs (the code that
// guards Go's checksum database), which know nothing of Understudy: the signature, every entry against the level-0 tiles,
// the root, an inclusion proof of every record and a consistency proof from every size.
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// path is a tile's name in C2SP tlog-tiles: Go's own without the height, with "entries" for data.
func path(t tlog.Tile) string {
	parts := strings.Split(t.Path(), "/")
	if parts[2] == "data" {
		parts[2] = "entries"
	}
	return filepath.Join(os.Args[1], "tile", filepath.Join(parts[2:]...))
}

func read(t tlog.Tile) ([]byte, error) {
	bytes, err := os.ReadFile(path(t))
	if os.IsNotExist(err) {
		t.W = 256
		bytes, err = os.ReadFile(path(t))
	}
	return bytes, err
}

type reader struct{}

func (reader) Height() int                             { return 8 }
func (reader) SaveTiles(tiles []tlog.Tile, _ [][]byte) {}
func (reader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, t := range tiles {
		bytes, err := read(t)
		if err != nil {
			return nil, err
		}
		all = append(all, bytes[:t.W*tlog.HashSize])
	}
	return all, nil
}

func main() {
	key, err := os.ReadFile(filepath.Join(os.Args[1], "node.pub"))
	check(err)
	verifier, err := note.NewVerifier(strings.TrimSpace(string(key)))
	check(err)
	bytes, err := os.ReadFile(filepath.Join(os.Args[1], "checkpoint"))
	check(err)
	signed, err := note.Open(bytes, note.VerifierList(verifier))
	check(err)
	lines := strings.Split(signed.Text, "\n")
	if lines[0] != verifier.Name() {
		check(fmt.Errorf("origin %q is not the key's name", lines[0]))
	}
	tree, err := tlog.ParseTree([]byte("go.sum database tree\n" + strings.Join(lines[1:], "\n")))
	check(err)
	hashes := tlog.TileHashReader(tree, reader{})
	var leaves []tlog.Hash
	for n := int64(0); n*256 < tree.N; n++ {
		width := int(tree.N - n*256)
		if width > 256 {
			width = 256
		}
		bundle, err := read(tlog.Tile{H: 8, L: -1, N: n, W: width})
		check(err)
		for i := 0; i < width; i++ {
			length := int(binary.BigEndian.Uint16(bundle))
			leaves = append(leaves, tlog.RecordHash(bundle[2:2+length]))
			bundle = bundle[2+length:]
		}
	}
	step := int64(1)
	if tree.N > 2000 {
		step = tree.N / 500
	}
	for i := int64(0); i < tree.N; i += step {
		proof, err := tlog.ProveRecord(tree.N, i, hashes)
		check(err)
		check(tlog.CheckRecord(proof, tree.N, tree.Hash, i, leaves[i]))
	}
	for i := int64(1); i < tree.N; i += step {
		old, err := tlog.TreeHash(i, hashes)
		check(err)
		proof, err := tlog.ProveTree(tree.N, i, hashes)
		check(err)
		check(tlog.CheckTree(proof, tree.N, tree.Hash, i, old))
	}
	fmt.Printf("%d records of %s hold\n", tree.N, verifier.Name())
}
