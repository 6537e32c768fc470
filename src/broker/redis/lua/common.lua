-- The part that all scripts share; it comes before each of them. Redis runs one script at a time, and
-- nothing else meanwhile.
--
-- The keys of the log; each begins with the prefix. Redis deletes a key whose last element is gone.
--   log         hash    epoch; format: the version of all this; last: the newest seq; lost: a seq up
--                       to which events are lost that some subscribers had got; rejoined: the seq at
--                       which that was noticed; floor: horizon of the channels without one of their own;
--                       bytes: retained; fed: bytes put into the feed since the last mark;
--                       userfloor: what "removed" says of the users that are no longer in it
--   events      hash    seq -> [channel, user, block] as JSON, of every retained event
--   order:C     list    the retained events of channel C: "seq size", the length of the user's
--                       name, that name, and the id that the payload carries, if it does
--   heard:N:C:U zset    those of them that are for user U, or for *: "seq size" by seq; N is the
--                       length of C
--   oldest      zset    channel by the seq of its oldest retained event
--   sizes       hash    channel -> bytes retained
--   horizons    hash    channel -> seq of the last event that was dropped
--   removed     zset    users whose history was removed, by the seq of the last event of it
--   emptied     zset    channels without events, of which the horizon is still known
--   own         hash    id that payloads carry -> how many events have had it
--   own:ID      zset    the retained events that carry it, by seq: how many had it before, the
--                       length of the channel's name, that name and the user's
--   gone        zset    such ids of which no event is left
--   keys        hash    idempotency key -> seq and fingerprint
--   counts      hash    idempotency key -> subscribers, where there were any
--   keyorder    list    seqs and idempotency keys, in the order in which they are forgotten
--   feed        stream  the newest events for the servers to follow, whatever retention drops
--   marks       list    seqs at which the feed is cut, oldest first
--   servers     zset    the servers that are alive, see servers.lua
--   revoked, revokedends, revokedorder: what is refused, see revoke.lua

local call = redis.call
local prefix = ARGV[1]
local eventsPerChannel = tonumber(ARGV[3])
local age = tonumber(ARGV[4]) * 1000
local bytesPerChannel = tonumber(ARGV[5])
local totalBytes = tonumber(ARGV[6])
local maxEmptied = tonumber(ARGV[7])
local maxKeys = tonumber(ARGV[8])
local maxGone = tonumber(ARGV[9])
local FIRST = 10

-- What is dropped at a time at most, because Redis does nothing else meanwhile.
local MOST_DROPPED = 2000

-- What an operator has removed at a time at most: several times as much work for each event.
local MOST_REMOVED = 500

-- Lua's own way to write a number would round a seq. %d takes half the time, but in a Redis of 32 bits
-- it has not enough of them.
local WHOLE = string.format('%d', 2 ^ 52) == '4503599627370496' and '%d' or '%.0f'
local function whole(number)
  return string.format(WHOLE, number)
end

-- The number that a text begins with.
local function seqOf(text)
  return tonumber(string.match(text, '^%d+'))
end

-- Microseconds since 1970, by the clock of Redis: the one clock that all servers share.
local function clock()
  if ARGV[2] ~= '' then return tonumber(ARGV[2]) end
  local time = call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

local now = clock()

local function key(name)
  return prefix .. name
end

local function heardKey(channel, user)
  return key('heard:' .. #channel .. ':' .. channel .. ':' .. user)
end

-- Calls a function with each channel among the arguments from an index on, and with what a command answers
-- for it of a key. In parts: a call can have no more than some thousand arguments.
local function forChannels(command, name, from, visit)
  for i = from, #ARGV, 1000 do
    local last = math.min(i + 999, #ARGV)
    local answers = call(command, key(name), unpack(ARGV, i, last))
    for j = i, last do visit(ARGV[j], answers[j - i + 1]) end
  end
end

-- The last seq that was dropped from any of the channels among the arguments from an index on.
local function horizonOf(from)
  local floor = tonumber(call('HGET', key('log'), 'floor'))
  local last = -1
  forChannels('HMGET', 'horizons', from, function(_, horizon)
    last = math.max(last, tonumber(horizon or floor))
  end)
  return last
end

-- The last seq that was removed from the events for a user.
local function removedFrom(user)
  return tonumber(call('ZSCORE', key('removed'), user) or call('HGET', key('log'), 'userfloor') or -1)
end

local function dropPublisherId(publisherId, seq)
  local holders = key('own:' .. publisherId)
  call('ZREMRANGEBYSCORE', holders, seq, seq)
  if call('EXISTS', holders) == 1 then return end
  call('ZADD', key('gone'), seq, publisherId)
  if call('ZCARD', key('gone')) > maxGone then
    call('HDEL', key('own'), call('ZPOPMIN', key('gone'))[1])
  end
end

-- The changes to channels are collected here, and written at once by `writeChannels`.
local touched = {}
local dropped = {}
local addedBytes = 0

local function channelOf(name)
  local channel = touched[name]
  if not channel then
    local order = key('order:' .. name)
    local bytes = call('HGET', key('sizes'), name)
    channel = { order = order, bytes = tonumber(bytes or 0), count = call('LLEN', order) }
    channel.isNew = channel.count == 0
    touched[name] = channel
  end
  return channel
end

local function oldestOf(channel)
  return seqOf(call('LINDEX', channel.order, 0))
end

-- Drops the oldest events of a channel, as many as are said; there have to be as many.
local function drop(name, count)
  local channel = channelOf(name)
  -- The last that is dropped of each user.
  local through = {}
  for _, event in ipairs(call('LPOP', channel.order, count)) do
    local seq, size, length, names = string.match(event, '^(%d+) (%d+) (%d+) (.*)$')
    local user, publisherId = string.sub(names, 1, length), string.sub(names, length + 1)
    through[user] = seq
    if publisherId ~= '' then dropPublisherId(publisherId, seq) end
    channel.bytes = channel.bytes - size
    channel.horizon = seq
    addedBytes = addedBytes - size
    dropped[#dropped + 1] = seq
  end
  channel.count = channel.count - count
  for user, seq in pairs(through) do
    call('ZREMRANGEBYSCORE', heardKey(name, user), '-inf', seq)
  end
end

-- Redis has evicted the list of a channel's events: nobody can tell which they were.
local function abandon(channel)
  addedBytes = addedBytes - channel.bytes
  channel.horizon = call('HGET', key('log'), 'last')
end

-- A channel without events is known by its horizon alone; past a limit its horizon is the floor: a
-- client may be told of a gap that it does not have, never the other way round.
local function forget(name, horizon)
  call('HDEL', key('sizes'), name)
  call('ZREM', key('oldest'), name)
  call('ZADD', key('emptied'), horizon, name)
  if call('ZCARD', key('emptied')) <= maxEmptied then return end
  local longest = call('ZPOPMIN', key('emptied'))[1]
  local floor = call('HGET', key('horizons'), longest)
  call('HDEL', key('horizons'), longest)
  if tonumber(floor) > tonumber(call('HGET', key('log'), 'floor')) then
    call('HSET', key('log'), 'floor', floor)
  end
end

-- Calls a command on a key with any number of arguments. In parts of an even number: a call can have no
-- more than some thousand.
local function callWith(command, name, arguments)
  for i = 1, #arguments, 1000 do
    call(command, key(name), unpack(arguments, i, math.min(i + 999, #arguments)))
  end
end

local function writeChannels()
  local horizons, sizes, oldest = {}, {}, {}
  local function append(list, first, second)
    list[#list + 1] = first
    list[#list + 1] = second
  end
  for name, channel in pairs(touched) do
    if channel.isNew then
      call('ZREM', key('emptied'), name)
      -- What the floor comes to later is nothing to a channel in use.
      call('HSETNX', key('horizons'), name, call('HGET', key('log'), 'floor'))
    end
    if channel.isCut and channel.count == 0 then
      channel.horizon = channel.horizon or call('HGET', key('horizons'), name)
    end
    if channel.horizon then append(horizons, name, channel.horizon) end
    if channel.count > 0 then
      append(sizes, name, channel.bytes)
      if channel.isNew or channel.isCut or channel.horizon then append(oldest, whole(oldestOf(channel)), name) end
    end
  end
  callWith('HSET', 'horizons', horizons)
  callWith('HSET', 'sizes', sizes)
  callWith('ZADD', 'oldest', oldest)
  callWith('HDEL', 'events', dropped)
  for name, channel in pairs(touched) do
    if channel.count == 0 then forget(name, channel.horizon) end
  end
  if addedBytes ~= 0 then call('HINCRBY', key('log'), 'bytes', addedBytes) end
  touched, dropped, addedBytes = {}, {}, 0
end

local function trimKeys()
  local count = call('LLEN', key('keyorder'))
  for _ = 1, MOST_DROPPED do
    local oldest = call('LINDEX', key('keyorder'), 0)
    if not oldest then return end
    local seq, name = string.match(oldest, '^(%d+) (.*)$')
    if tonumber(seq) > now - age and count <= maxKeys then return end
    local record = call('HGET', key('keys'), name)
    if record and seqOf(record) == tonumber(seq) then
      call('HDEL', key('keys'), name)
      call('HDEL', key('counts'), name)
    end
    call('LPOP', key('keyorder'))
    count = count - 1
  end
end

-- Drops what is past its age, or too much over all channels, oldest first, and writes what the
-- script has changed.
local function trim()
  writeChannels()
  local bytes = tonumber(call('HGET', key('log'), 'bytes') or 0)
  local count = 0
  while count < MOST_DROPPED do
    local name, seq = unpack(call('ZRANGE', key('oldest'), 0, 0, 'WITHSCORES'))
    if not name then break end
    if tonumber(seq) > now - age and bytes <= totalBytes then break end
    local channel = channelOf(name)
    if channel.count == 0 then
      abandon(channel)
    else
      repeat
        drop(name, 1)
        count = count + 1
      until count == MOST_DROPPED or channel.count == 0 or oldestOf(channel) > now - age
    end
    bytes = bytes + addedBytes
    writeChannels()
  end
  trimKeys()
end

-- Notes that events up to a seq are lost, and tells the servers to load the log anew. A subscriber whose
-- position is that very seq has got them all. Of other subscribers with a position before this moment
-- nobody can tell: other servers may have gone on from an older position before the loss was noticed.
local function lose(epoch, last, through)
  local seq = math.max(last + 1, through + 1, now)
  call('HSET', key('log'), 'lost', whole(through), 'rejoined', whole(seq), 'last', whole(seq))
  call('XADD', key('feed'), whole(seq) .. '-0', 'previous', whole(last), 'epoch', epoch, 'lost', '1')
  return seq
end

-- The version of the keys and fields above. A log of another one is left as it is.
local FORMAT = '1'

-- Answers the log's epoch and last seq, after making it where there is none. A server that knows a
-- later seq than the log has proves that Redis came back without its newest events. For a log of
-- another format the answer is nothing and the error that the script has to answer.
local function openLog(epoch, known, newEpoch)
  local found = call('HMGET', key('log'), 'epoch', 'last', 'format')
  if not found[1] then
    call('HSET', key('log'), 'epoch', newEpoch, 'format', FORMAT, 'last', whole(known),
      'lost', whole(known), 'rejoined', whole(known), 'floor', 0, 'bytes', 0, 'fed', 0)
    return newEpoch, known
  end
  -- The first logs were made without the field.
  if not found[3] then call('HSET', key('log'), 'format', FORMAT) end
  if (found[3] or FORMAT) ~= FORMAT then
    return nil, redis.error_reply('FORMAT ' .. found[3] .. ' ' .. FORMAT)
  end
  local last = tonumber(found[2])
  if epoch == found[1] and known > last then last = lose(epoch, last, known) end
  return found[1], last
end
