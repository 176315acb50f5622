<?php
// For the login page of an application in PHP: has this account a notice of an incident? Asked after the password was
// right, before the first page. It never holds a login up: after 50 ms, or when nobody answers, there is no notice, and
// the next login asks again (say so in your log). `understudy incident serve --socket /run/understudy/notices`
//
//     $notice = understudy_notice('taro');           // null, or ['incident' => 1, 'en' => '...', 'ja' => '...']
//     if ($notice !== null) { show htmlspecialchars($notice['ja']) with a button; when it is pressed: }
//     understudy_acknowledge('taro');

function understudy_ask(string $verb, string $account, string $socket, int $microseconds): ?array
{
    $connection = @stream_socket_client("unix://$socket", $code, $words, 0.05);
    if ($connection === false) {
        error_log("understudy: notices cannot be asked for: $words");
        return null;
    }
    stream_set_timeout($connection, 0, $microseconds);
    if (@fwrite($connection, $verb . ' ' . rawurlencode($account) . "\n") === false) {
        return null;
    }
    $answer = json_decode((string)fgets($connection), true);
    fclose($connection);
    return is_array($answer) ? $answer : null;
}

function understudy_notice(string $account, string $socket = '/run/understudy/notices'): ?array
{
    return understudy_ask('notice', $account, $socket, 50000)['notice'] ?? null;
}

function understudy_acknowledge(string $account, string $socket = '/run/understudy/notices'): bool
{
    return (understudy_ask('acknowledge', $account, $socket, 999999)['acknowledged'] ?? 0) > 0;
}
