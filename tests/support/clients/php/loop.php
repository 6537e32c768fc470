<?php
function keep_listening(string $url, string $token, callable $on_event, callable $on_end, int $wait_ms = 1000): void
{
    $last_id = null;
    $keep = function ($id, $type, $data) use (&$last_id, $on_event) {
        $last_id = $id;
        $on_event($id, $type, $data);
    };
    while (true) {
        $status = listen_once($url, $token, $last_id, $keep);
        $on_end($status);
        if ($status === 401) {
            return; // The token has expired: get another one.
        }
        usleep($wait_ms * random_int(1000, 3000));
    }
}
