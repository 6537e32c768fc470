-- Removes events for a user up to a seq, some at a time.
-- Arguments: epoch, user, the last seq to remove, most users of whom a removal is known, and where to go on: 0
-- or what the call before has answered.
-- Answers the epoch of the log alone where it is another; else the epoch, how many events were removed, and
-- where to go on, or an empty text where none is left.

local CHANNELS_AT_A_TIME = 200

local epoch = call('HGET', key('log'), 'epoch')
if epoch ~= ARGV[FIRST] then return { epoch or '' } end
local user, through = ARGV[FIRST + 1], ARGV[FIRST + 2]
local mostUsers, cursor = tonumber(ARGV[FIRST + 3]), ARGV[FIRST + 4]
local last = -1

-- The index of the first event in a channel's list that has a seq, or a later one.
local function indexOf(channel, seq)
  local low, high = 0, channel.count
  while low < high do
    local middle = math.floor((low + high) / 2)
    if seqOf(call('LINDEX', channel.order, middle)) < seq then low = middle + 1 else high = middle end
  end
  return low
end

-- Takes events out of a channel's list, and answers the last of them and how many they were: those which are
-- wanted and within reach of the first.
local function takeOut(channel, first, wanted)
  local from, taken, count = indexOf(channel, first), first, 0
  for i, event in ipairs(call('LRANGE', channel.order, from, from + MOST_REMOVED - 1)) do
    local seq, size, length, names = string.match(event, '^(%d+) (%d+) (%d+) (.*)$')
    if wanted[seq .. ' ' .. size] then
      local publisherId = string.sub(names, length + 1)
      if publisherId ~= '' then dropPublisherId(publisherId, seq) end
      call('LSET', channel.order, from + i - 1, 'removed')
      channel.bytes = channel.bytes - size
      addedBytes = addedBytes - size
      dropped[#dropped + 1] = seq
      taken, count = tonumber(seq), count + 1
    end
  end
  if count > 0 then call('LREM', channel.order, count, 'removed') end
  channel.count = channel.count - count
  channel.isCut = true
  return taken, count
end

local function removeFrom(name, most)
  local heard = heardKey(name, user)
  local found = call('ZRANGEBYSCORE', heard, '-inf', through, 'LIMIT', 0, most)
  if #found == 0 then return 0 end
  local wanted = {}
  for _, event in ipairs(found) do wanted[event] = true end
  local taken, count = takeOut(channelOf(name), seqOf(found[1]), wanted)
  call('ZREMRANGEBYSCORE', heard, '-inf', whole(taken))
  last = math.max(last, taken)
  return count
end

local function noteRemoval()
  call('ZADD', key('removed'), whole(math.max(removedFrom(user), last)), user)
  if call('ZCARD', key('removed')) <= mostUsers then return end
  local lowest = call('ZPOPMIN', key('removed'))
  local floor = tonumber(call('HGET', key('log'), 'userfloor') or -1)
  call('HSET', key('log'), 'userfloor', whole(math.max(floor, tonumber(lowest[2]))))
end

local next, names = unpack(call('HSCAN', key('sizes'), cursor, 'COUNT', CHANNELS_AT_A_TIME))
local removed = 0
for i = 1, #names, 2 do
  if removed >= MOST_REMOVED then break end
  local count
  repeat
    count = removeFrom(names[i], MOST_REMOVED - removed)
    removed = removed + count
  until count == 0 or removed >= MOST_REMOVED
end
if last >= 0 then noteRemoval() end
trim()
-- Where there was too much, the same channels come once more.
if removed >= MOST_REMOVED then return { epoch, removed, cursor } end
return { epoch, removed, next == '0' and '' or next }
