#!/bin/bash
# 113-complaint-servers.t - a complaint is compared with the trees of all web servers, by their agents over a real sshd
# (--config), and with what each of them serves at its own address (--connect, --config): the planted page is on the stand-by
# alone, as in 2009.
[[ -n ${COMPLAINT_TEST_APART:-} || $EUID -ne 0 ]] || COMPLAINT_TEST_APART=1 exec unshare --net -- "$0" "$@"
. "$(dirname "$0")/lib.sh"
use agent
need_root
need ssh ssh-keygen perl jq ip nginx
ip link set lo up
[[ -x $(PATH=$PATH:/usr/sbin:/sbin command -v sshd) ]] || skip_all 'sshd is not installed'
complaint() { us incident complaint "$@" --state "$tmp/controller"; }

make_site "$tmp/src"
echo '<!doctype html><title>Log in</title>' >"$tmp/src/login.html"
make_repository
make_standby
dest2=$tmp/www2/site
mkdir -p "$tmp/www2"
status_is 0 'the other server has the release, too' us pull "$dest2" --repo "$repo" --pub "$pub" --state "$tmp/state2"
chmod a+rx "$tmp/www" "$tmp/www2" "$dest" "$dest2"

# Two web servers of one name: production at 127.0.0.1, the stand-by at 127.0.0.2.
mkdir -p "$tmp/nginx"
cat >"$tmp/nginx.conf" <<END
user root; daemon off; pid $tmp/nginx.pid; error_log $tmp/nginx.log crit; worker_processes 1;
events { worker_connections 64; }
http {
        access_log off;
        client_body_temp_path $tmp/nginx/1; fastcgi_temp_path $tmp/nginx/2; proxy_temp_path $tmp/nginx/3; scgi_temp_path $tmp/nginx/4; uwsgi_temp_path $tmp/nginx/5;
        server { listen 127.0.0.1:8080; root $dest; }
        server { listen 127.0.0.2:8080; root $dest2; }
}
END
nginx -c "$tmp/nginx.conf" -e "$tmp/nginx.log" </dev/null >"$tmp/nginx.out" 2>&1 &
cleanup_process $!
serves() { curl -fsS -o "$tmp/front" http://127.0.0.2:8080/css/site.css 2>/dev/null; }
wait_for 10 serves || bail_out 'nginx does not start'

cat >"$tmp/site.conf" <<END
site = example
ssh_config = "$tmp/ssh/config"
server "web1" { role = production ssh = "web1" addresses = {127.0.0.1} interface = lo roots = {"docroot=$dest"} }
server "web2" { role = standby ssh = "web2" addresses = {127.0.0.2} interface = lo roots = {"docroot=$dest2"} }
service { addresses = {"127.0.0.10/8"} }
check "front" { url = "http://www.example.org/" }
repository {
        url = "$repo"
        pub = "$pub"
}
END
status_is 0 'the configuration is good' us check --config "$tmp/site.conf" --offline
status_is 0 'it is signed' us publish --config "$tmp/site.conf" --key "$key"
agent_keys
us agent --config "$tmp/site.conf" --server web1 --state "$state" --authorize "$tmp/ssh/controller.pub"
agent_host web1 "$(output)"
us agent --config "$tmp/site.conf" --server web2 --state "$tmp/state2" --authorize "$tmp/ssh/controller.pub"
agent_host web2 "$(output)"

# ---------------------------------------------------------------- by the agents
status_is 0 'both trees are genuine' complaint new 'The login page is odd' --path /login.html --config "$tmp/site.conf" --pub "$pub" --json
json_is 'as each agent says' '[.comparison.trees[] | "\(.server) \(.verdict) \(.release)"] | sort | join(", ")' 'web1 genuine 1, web2 genuine 1'
echo '<!doctype html><title>Log in</title><script src=//malware.invalid></script>' >"$dest2/login.html"
status_is 1 'a page is planted on the stand-by' complaint 1 'Again' --path /login.html --config "$tmp/site.conf" --pub "$pub" --json
json_is 'which its agent finds, and no other' '[.comparison.trees[] | "\(.server) \(.verdict) \(.here)"] | sort | join(", ")' \
        'web1 genuine false, web2 differs true'
status_is 0 'one server alone' complaint 1 'Again' --path /login.html --config "$tmp/site.conf" --pub "$pub" --server web1 --json
json_is 'is the one that was named' '[.comparison.trees[].server]' '["web1"]'

# ---------------------------------------------------------------- as each of them serves it
page=(--path /login.html --url http://www.example.org:8080)
here() { us incident complaint "$@" --state "$state"; } # where the tree was pulled to
status_is 0 'at the address of production: genuine' here new 'Again' "${page[@]}" --connect 127.0.0.1 --tree "$dest" --pub "$pub" --json
json_is 'as four kinds of visitors' '[.comparison.served[] | "\(.address) \(.verdict)"] | unique | join(", ")' '127.0.0.1 genuine'
status_is 1 'at both' here 1 'Again' "${page[@]}" --connect 127.0.0.1 --connect 127.0.0.2 --tree "$dest" --pub "$pub" --json
json_is 'the stand-by is the one' '[.comparison.served[] | "\(.address) \(.verdict)"] | unique | join(", ")' '127.0.0.1 genuine, 127.0.0.2 differs'
status_is 1 'with the configuration each server is asked at its own address' complaint 1 'Again' "${page[@]}" --config "$tmp/site.conf" --pub "$pub" --json
json_is 'whatever the name leads to' '[.comparison.served[] | select(.address == "127.0.0.2") | .verdict] | unique | join(" ")' differs

# ---------------------------------------------------------------- an agent that lies, and one that is away
mv "$tmp/ssh/web2/authorized_keys" "$tmp/ssh/web2/away"
status_is 1 'an agent that does not answer' complaint 1 'Again' --path /login.html --config "$tmp/site.conf" --pub "$pub" --json
json_is 'is unknown, which is not genuine' '[.comparison.verdict, (.comparison.trees[] | select(.server == "web2") | .verdict)] | join(" ")' 'unknown unknown'
mv "$tmp/ssh/web2/away" "$tmp/ssh/web2/authorized_keys"
chmod 0000 "$dest2/login.html" && cp "$tmp/src/login.html" "$dest2/login.html" && chmod 0644 "$dest2/login.html"
us incident close 1 --approve kim --state "$tmp/controller"
like 'the incident is not closed: a complaint was right, and no interval tells since when' "$(errors)" 'complaint 2 was right'
done_testing
