-- Keeps the list of the servers that share the log. Answers the others that are alive, each name before the
-- milliseconds since its last sign of life.
-- Arguments: the prefix of the keys, the name of a server, "here" or "gone", and after how many milliseconds
-- without a sign of life a server counts as dead.

local servers = ARGV[1] .. 'servers'
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
if ARGV[3] == 'gone' then
  redis.call('ZREM', servers, ARGV[2])
else
  redis.call('ZADD', servers, now, ARGV[2])
end
redis.call('ZREMRANGEBYSCORE', servers, '-inf', now - tonumber(ARGV[4]))
local answer = {}
local found = redis.call('ZRANGE', servers, 0, -1, 'WITHSCORES')
for i = 1, #found, 2 do
  if found[i] ~= ARGV[2] then
    answer[#answer + 1] = found[i]
    answer[#answer + 1] = math.max(0, now - tonumber(found[i + 1]))
  end
end
return answer
