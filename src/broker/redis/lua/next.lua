-- Looks up where channels go on for a subscription.
-- Arguments: epoch, the first and the last seq to look at, user, channels.
-- Answers the epoch of the log alone where it is another; else the epoch, the last seq that was dropped
-- from the channels or for the user, then for each channel a seq before which it has no event for the subscription from
-- the first seq on, or -1 where it has none at all up to the last.

local epoch = call('HGET', key('log'), 'epoch')
if epoch ~= ARGV[FIRST] then return { epoch or '' } end
local from, upTo, user = tonumber(ARGV[FIRST + 1]), tonumber(ARGV[FIRST + 2]), ARGV[FIRST + 3]

local function firstFor(channel, name)
  local found = call('ZRANGEBYSCORE', heardKey(channel, name), whole(from), whole(upTo), 'LIMIT', 0, 1)[1]
  return found and seqOf(found)
end

local answer = { epoch, whole(math.max(horizonOf(FIRST + 4), removedFrom(user))) }
forChannels('ZMSCORE', 'oldest', FIRST + 4, function(channel, oldest)
  -- Where the channel's oldest event of all comes later than the first seq, that is known at once.
  local first = tonumber(oldest or upTo + 1)
  if first < from then
    first = math.min(firstFor(channel, '*') or upTo + 1,
      user ~= '*' and firstFor(channel, user) or upTo + 1)
  end
  answer[#answer + 1] = first <= upTo and whole(first) or '-1'
end)
return answer
