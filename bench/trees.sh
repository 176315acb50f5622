# shellcheck shell=bash
# trees.sh - the trees that are measured, made from Debian's packages of WordPress. Sourced by run.sh.

bench_packages=(wordpress wordpress-l10n wordpress-theme-twentytwentyone wordpress-theme-twentytwentytwo
        wordpress-theme-twentytwentythree)

# packages_unpacked: the packages' site files, once, in $cache/wordpress. What leads out of it (Debian's links to
# /etc and to shared libraries) is left out.
packages_unpacked()
{
        [[ ! -e $cache/wordpress ]] || return 0
        mkdir -p "$cache/debs" "$cache/unpacked"
        (cd "$cache/debs" && apt-get -q download "${bench_packages[@]}") >"$cache/download.log" 2>&1 ||
                stop "the packages cannot be downloaded: $(tail -n 2 "$cache/download.log")"
        for package in "$cache"/debs/*.deb; do dpkg -x "$package" "$cache/unpacked"; done
        mkdir "$cache/wordpress.new"
        cp -a "$cache/unpacked/usr/share/wordpress/." "$cache/wordpress.new"
        cp -a "$cache/unpacked/var/lib/wordpress/." "$cache/wordpress.new/wp-content/"
        find "$cache/wordpress.new" -type l -delete
        chown -R root:root "$cache/wordpress.new"
        mv "$cache/wordpress.new" "$cache/wordpress"
        rm -rf "$cache/unpacked"
}

# make_tree FOLDER: $tree is `small`, the packages as they are, or `large`, 100,000 files: copies of them, and each file
# of each copy with a line of its own, so that no two are the same.
make_tree()
{
        packages_unpacked
        mkdir -p "$1"
        if [[ $tree == small ]]; then
                cp -a "$cache/wordpress/." "$1"
                return
        fi
        # shellcheck disable=SC2016 # Perl expands it
        perl -MFile::Find -MFile::Path=make_path -e '
                my ($from, $to, $wanted) = @ARGV;
                my @files;
                find({ no_chdir => 1, wanted => sub { push @files, substr($_, length($from)) if -f } }, $from);
                my $made = 0;
                for (my $copy = 1; $made < $wanted; $copy++) {
                        for my $name (@files) {
                                last if $made++ >= $wanted;
                                my $path = "$to/copy$copy$name";
                                make_path($path =~ s{/[^/]*$}{}r);
                                open(my $in, "<:raw", "$from$name") or die "$from$name: $!";
                                open(my $out, ">:raw", $path) or die "$path: $!";
                                local $/;
                                print $out scalar <$in>, "\n# copy $copy of $name\n";
                                close $out or die "$path: $!";
                        }
                }' "$cache/wordpress" "$1" "${BENCH_LARGE_FILES:-100000}"
        chmod -R u=rwX,go=rX "$1"
}

# change_tree FOLDER ROUND: 5 % of the files, others in each round, get a line more.
change_tree()
{
        find "$1" -type f | LC_ALL=C sort | awk -v round="$2" 'NR % 20 == round % 20' |
                while IFS= read -r file; do echo "# changed in round $2" >>"$file"; done
}

# make_many FOLDER: 1,000,000 small files in 1,000 folders.
make_many()
{
        # shellcheck disable=SC2016 # Perl expands it
        perl -e '
                my ($to, $wanted) = @ARGV;
                for (my $i = 0; $i < $wanted; $i++) {
                        my $folder = sprintf("%s/%03d", $to, $i / 1000);
                        mkdir $folder if $i % 1000 == 0;
                        open(my $out, ">", sprintf("%s/page-%06d.html", $folder, $i)) or die $!;
                        print $out "page $i\n";
                        close $out;
                }' "$1" "${BENCH_MANY_FILES:-1000000}"
}
