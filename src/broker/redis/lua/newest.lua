-- Answers the newest retained events of a channel, the newest first: for each its seq, its retained size and its
-- user.
-- Arguments: how many at most, the channel.

trim()
local events = call('LRANGE', key('order:' .. ARGV[FIRST + 1]), -tonumber(ARGV[FIRST]), -1)
local answer = {}
for i = #events, 1, -1 do
  local seq, size, length, names = string.match(events[i], '^(%d+) (%d+) (%d+) (.*)$')
  answer[#answer + 1] = seq
  answer[#answer + 1] = size
  answer[#answer + 1] = string.sub(names, 1, length)
end
return answer
