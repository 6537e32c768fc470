-- Looks up where channels go on for a subscription: costs a few microseconds of Redis for each.
-- Arguments: epoch, the first and the last seq to look at, user, channels.
-- Answers the epoch of the log alone where it is another; else the epoch, then for each channel the
-- seq of its first event for the subscription, or -1.

local epoch = call('HGET', key('log'), 'epoch')
if epoch ~= ARGV[FIRST] then return { epoch or '' } end
local from, upTo, user = ARGV[FIRST + 1], ARGV[FIRST + 2], ARGV[FIRST + 3]

local function firstFor(channel, name)
  local found = call('ZRANGEBYSCORE', heardKey(channel, name), from, upTo, 'LIMIT', 0, 1)[1]
  return found and seqOf(found)
end

local answer = { epoch }
for i = FIRST + 4, #ARGV do
  local first = firstFor(ARGV[i], '*')
  local own = user ~= '*' and firstFor(ARGV[i], user)
  if own and (not first or own < first) then first = own end
  answer[#answer + 1] = first and whole(first) or '-1'
end
return answer
