<?php
// The chat's back end: it knows who is who, keeps what was said, and says who may hear it.

const STREAM = "http://localhost:8000/events/"; // where browsers listen
const CONTROL = "http://127.0.0.1:8001"; // where only back ends may ask for tokens and emit
const TOKEN_SECONDS = 3600;
const NAME = '/^[\p{L}\p{N}][\p{L}\p{N} _.-]{0,19}$/uD';

function answer(int $status, mixed $content = null): never
{
    http_response_code($status);
    header("Content-Type: application/json");
    exit(json_encode($content));
}

function callServer(string $path, array $fields): string|false
{
    return @file_get_contents(CONTROL . $path, false, stream_context_create(["http" => [
        "method" => "POST",
        "header" => "Content-Type: application/x-www-form-urlencoded",
        "content" => http_build_query($fields),
        "timeout" => 5,
    ]]));
}

// Each tab brings its own session id, so that two tabs can be two users. Your site has its own login.
session_id(preg_replace("/[^0-9a-zA-Z,-]/", "", $_SERVER["HTTP_X_SESSION"] ?? "") ?: session_create_id());
session_start(["use_cookies" => 0, "use_strict_mode" => 1]);
$action = $_POST["action"] ?? "";

if ($action === "login" && preg_match(NAME, $_POST["name"] ?? "")) {
    $_SESSION["name"] = $_POST["name"];
    answer(200, session_id());
}
$me = $_SESSION["name"] ?? answer(401, "Log in with a name of 1 to 20 letters and digits.");

$store = sys_get_temp_dir() . "/sse-chat-example.jsonl"; // stands for your database
if ($action === "refresh") {
    $token = callServer("/token/", ["userId" => $me, "channel" => "chat", "exp" => TOKEN_SECONDS]);
    $stream = $token === false ? null : STREAM . "?token=$token";
    $messages = array_map("json_decode", array_slice(is_file($store) ? file($store) : [], -200));
    $mayRead = fn($message) => in_array($message->to, ["*", $me], true) || $message->from === $me;
    $readable = array_values(array_filter($messages, $mayRead));
    answer(200, ["me" => $me, "stream" => $stream, "messages" => $readable]);
}

if ($action !== "send") answer(404, "There is no such action.");
$to = ($_POST["to"] ?? "") ?: "*";
if ($to !== "*" && !preg_match(NAME, $to)) answer(400, "There is nobody of that name.");
if (!preg_match('/^(?=.*\S).{1,500}$/us', $_POST["text"] ?? "")) answer(400, "Write 1 to 500 characters.");
$message = ["id" => uniqid(), "at" => microtime(true), "from" => $me, "to" => $to, "text" => $_POST["text"]];
$line = json_encode($message);
// Saved before it is emitted: a page that connects in between finds it here, and every page if the emit fails.
file_put_contents($store, "$line\n", FILE_APPEND | LOCK_EX);
foreach ($to === "*" ? ["*"] : array_unique([$to, $me]) as $userId)
    callServer("/emit/", ["userId" => $userId, "channel" => "chat", "data" => $line]);
answer(200);
