# shellcheck shell=bash
# clickhouse.sh - ClickHouse servers for tests: each with a folder of its own, on the loopback of a network namespace
# (without clickhouse_network: of the one that we are in).
#
#     clickhouse_network NAMESPACE
#     clickhouse_launch an1 8121 && clickhouse_ready an1 8121
#     clickhouse_sql 8121 'SELECT 1'
#     kill -9 "${clickhouse[an1]}"
#
# CLICKHOUSE_SERVER names another server program than Debian's, of a newer version, for instance.
# Small: little memory, one thread a query. The log is $tmp/an1/server.log.

declare -gA clickhouse=() # name -> process
netns=

clickhouse_network()
{
        netns=$1
        ip netns add "$netns" && cleanup_namespace "$netns" && ip -n "$netns" link set lo up
}

inside() { ${netns:+ip netns exec "$netns"} "$@"; }

clickhouse_config() # NAME PORT FOLDER
{
        mkdir -p "$3/tmp"
        cat >"$tmp/$1/config.xml" <<END
<yandex>
        <logger><level>warning</level><log>$tmp/$1/server.log</log><errorlog>$tmp/$1/errors.log</errorlog></logger>
        <listen_host>127.0.0.1</listen_host>
        <http_port>$2</http_port>
        <tcp_port>$(($2 + 1000))</tcp_port>
        <keep_alive_timeout>10</keep_alive_timeout>
        <path>$3/</path>
        <tmp_path>$3/tmp/</tmp_path>
        <users_config>$tmp/$1/users.xml</users_config>
        <default_profile>default</default_profile>
        <default_database>default</default_database>
        <timezone>UTC</timezone>
        <mark_cache_size>16777216</mark_cache_size>
        <uncompressed_cache_size>0</uncompressed_cache_size>
</yandex>
END
        cat >"$tmp/$1/users.xml" <<END
<yandex>
        <profiles><default>
                <max_memory_usage>1500000000</max_memory_usage>
                <max_threads>1</max_threads>
        </default></profiles>
        <users><default>
                <password>${clickhouse_password:-}</password>
                <networks><ip>127.0.0.1</ip></networks>
                <profile>default</profile>
                <quota>default</quota>
        </default></users>
        <quotas><default><interval><duration>3600</duration></interval></default></quotas>
</yandex>
END
}

clickhouse_sql() { inside curl -sS --max-time "${3:-20}" ${clickhouse_password:+-H "X-ClickHouse-User: default" -H "X-ClickHouse-Key: $clickhouse_password"} "http://127.0.0.1:$1/?database=${clickhouse_database:-default}" --data-binary "$2"; }
clickhouse_answers() { [[ $(clickhouse_database=default clickhouse_sql "$1" 'SELECT 1' 1 2>/dev/null) == 1 ]]; }

# clickhouse_launch NAME PORT [FOLDER]: starts it, or starts it again.
clickhouse_launch()
{
        mkdir -p "$tmp/$1"
        clickhouse_config "$1" "$2" "${3:-$tmp/$1/data}"
        ${netns:+ip netns exec "$netns"} nice "${CLICKHOUSE_SERVER:-clickhouse-server}" --config-file="$tmp/$1/config.xml" >>"$tmp/$1/output" 2>&1 </dev/null &
        clickhouse[$1]=$!
        cleanup_process "$!"
}

# clickhouse_ready NAME PORT: waits until it answers.
clickhouse_ready()
{
        wait_for 60 clickhouse_answers "$2" || { tail -n 20 "$tmp/$1/output" "$tmp/$1/errors.log" >&2; return 1; }
}
