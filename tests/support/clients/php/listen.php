<?php
function listen_once(string $url, string $token, ?string $last_id, callable $on_event): int
{
    $headers = ["Accept: text/event-stream", "Authorization: Bearer $token"];
    if ($last_id !== null) {
        $headers[] = "Last-Event-ID: $last_id";
    }
    $unread = "";
    $curl = curl_init($url);
    curl_setopt_array($curl, [
        CURLOPT_HTTPHEADER => $headers,
        CURLOPT_FAILONERROR => true,
        // A heartbeat comes every 15 seconds.
        CURLOPT_LOW_SPEED_LIMIT => 1,
        CURLOPT_LOW_SPEED_TIME => 45,
        CURLOPT_WRITEFUNCTION => function ($curl, $bytes) use (&$unread, $on_event) {
            $blocks = explode("\n\n", $unread . $bytes);
            $unread = array_pop($blocks);
            foreach ($blocks as $block) {
                $event = ["id" => "", "event" => "message"];
                $data = [];
                foreach (explode("\n", $block) as $line) {
                    [$field, $value] = explode(":", rtrim($line, "\r"), 2) + [1 => ""];
                    $value = preg_replace("/^ /", "", $value);
                    if ($field === "data") {
                        $data[] = $value;
                    } else {
                        $event[$field] = $value;
                    }
                }
                if ($data !== []) {
                    $on_event($event["id"], $event["event"], implode("\n", $data));
                }
            }
            return strlen($bytes);
        },
    ]);
    curl_exec($curl);
    return curl_getinfo($curl, CURLINFO_RESPONSE_CODE);
}
