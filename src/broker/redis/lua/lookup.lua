-- Looks up what an id may mean, for somebody who asks about an event.
-- Arguments: a seq or nothing, an id that payloads carry or nothing, how many events at most, a user,
-- a channel.
-- Answers the epoch, the last seq, the last seq that was dropped from the channel, removed from
-- what was for the user, or may be lost, then seq
-- and JSON of each event, oldest first.

trim()
local log = call('HMGET', key('log'), 'epoch', 'last', 'rejoined')
local horizon = math.max(horizonOf(FIRST + 4), removedFrom(ARGV[FIRST + 3]), tonumber(log[3] or 0))
local seqs = {}
if ARGV[FIRST] ~= '' then
  seqs = { ARGV[FIRST] }
elseif ARGV[FIRST + 1] ~= '' then
  local holders = call('ZRANGE', key('own:' .. ARGV[FIRST + 1]), -tonumber(ARGV[FIRST + 2]), -1,
    'WITHSCORES')
  for i = 2, #holders, 2 do seqs[#seqs + 1] = whole(tonumber(holders[i])) end
end
local answer = { log[1] or '', log[2] or '0', whole(horizon) }
if #seqs == 0 then return answer end
local texts = call('HMGET', key('events'), unpack(seqs))
for i, seq in ipairs(seqs) do
  if texts[i] then
    answer[#answer + 1] = seq
    answer[#answer + 1] = texts[i]
  end
end
return answer
