<?php
// Runs PHP's curl on one stream, which is JSON on standard input. Prints a line of JSON for each event, and for
// each time that the transfer ended.
require "listen.php";
require "loop.php";

["stream" => $stream, "url" => $url, "token" => $token] = json_decode(stream_get_contents(STDIN), true);
$show = function (array $line) use ($stream) {
    fwrite(STDOUT, json_encode(["stream" => $stream] + $line) . "\n");
};
keep_listening(
    $url,
    $token,
    fn ($id, $type, $data) => $show(["id" => $id, "type" => $type, "data" => $data]),
    fn ($status) => $show(["state" => "ended", "why" => "status $status"]),
    50,
);
