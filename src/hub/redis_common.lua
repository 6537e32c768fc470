-- Begins every script: what they share. Each runs as a whole or not at all, and alone.
--
-- The log in Redis, all keys behind the prefix:
--   log         hash    epoch; last: the newest seq; lost: nobody can tell what came up to this seq;
--                       floor: horizon of every channel of which nothing is known; bytes: retained;
--                       fed: bytes put into the feed since the last mark
--   events      hash    seq -> [channel, user, block] as JSON, of every retained event
--   order:C     stream  the retained events of channel C: user, size, own id
--   heard:N:C:U stream  those of them that are for user U (or *); N is the length of C's name
--   oldest      zset    channel -> seq of its oldest retained event
--   sizes       hash    channel -> bytes retained
--   horizons    hash    channel -> seq of the last event that was dropped
--   emptied     zset    channels without events, of which the horizon is still known
--   own         hash    id that payloads carry -> how many events have had it
--   own:ID      stream  the retained events that carry it, and how many had it before each
--   gone        zset    such ids of which no event is left
--   keys        hash    idempotency key -> seq and fingerprint
--   counts      hash    idempotency key -> subscribers, where there were any
--   keyorder    stream  idempotency keys in the order in which they are forgotten
--   feed        stream  the newest events for the servers to follow, whatever retention drops
--   marks       list    seqs at which the feed is cut, oldest first

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

-- Lua's own way to write a number would round a seq.
local function whole(number)
  return string.format('%.0f', number)
end

local function streamId(seq)
  return whole(seq) .. '-0'
end

local function seqOf(id)
  return tonumber(string.match(id, '^%d+'))
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

-- The fields of a stream's entry as a table.
local function fieldsOf(entry)
  local fields = {}
  for i = 1, #entry[2], 2 do fields[entry[2][i]] = entry[2][i + 1] end
  return fields
end

local function deleteFrom(stream, id)
  call('XDEL', stream, id)
  if call('XLEN', stream) == 0 then call('DEL', stream) end
end

local function dropOwnId(ownId, id)
  local holders = key('own:' .. ownId)
  deleteFrom(holders, id)
  if call('EXISTS', holders) == 1 then return end
  call('ZADD', key('gone'), whole(seqOf(id)), ownId)
  if call('ZCARD', key('gone')) > maxGone then
    call('HDEL', key('own'), call('ZPOPMIN', key('gone'))[1])
  end
end

-- A channel without events is known by its horizon alone; past a limit its horizon is the floor: a
-- client may be told of a gap that it does not have, never the other way round.
local function forget(channel, horizon)
  call('HDEL', key('sizes'), channel)
  call('ZREM', key('oldest'), channel)
  call('ZADD', key('emptied'), whole(horizon), channel)
  if call('ZCARD', key('emptied')) <= maxEmptied then return end
  local longest = call('ZPOPMIN', key('emptied'))
  call('HDEL', key('horizons'), longest[1])
  if tonumber(longest[2]) > tonumber(call('HGET', key('log'), 'floor')) then
    call('HSET', key('log'), 'floor', whole(tonumber(longest[2])))
  end
end

-- Drops the oldest event of a channel.
local function drop(channel)
  local order = key('order:' .. channel)
  local first = call('XRANGE', order, '-', '+', 'COUNT', 2)
  local id, event = first[1][1], fieldsOf(first[1])
  local seq = seqOf(id)
  deleteFrom(order, id)
  deleteFrom(heardKey(channel, event.user), id)
  call('HDEL', key('events'), whole(seq))
  call('HINCRBY', key('sizes'), channel, -event.size)
  call('HINCRBY', key('log'), 'bytes', -event.size)
  call('HSET', key('horizons'), channel, whole(seq))
  if event.ownId then dropOwnId(event.ownId, id) end
  if first[2] then
    call('ZADD', key('oldest'), whole(seqOf(first[2][1])), channel)
  else
    forget(channel, seq)
  end
end

local function trimKeys(most)
  local count = call('XLEN', key('keyorder'))
  for _ = 1, most do
    local oldest = call('XRANGE', key('keyorder'), '-', '+', 'COUNT', 1)[1]
    if not oldest then return end
    local seq = seqOf(oldest[1])
    if seq > now - age and count <= maxKeys then return end
    local name = fieldsOf(oldest).key
    local record = call('HGET', key('keys'), name)
    if record and seqOf(record) == seq then
      call('HDEL', key('keys'), name)
      call('HDEL', key('counts'), name)
    end
    call('XDEL', key('keyorder'), oldest[1])
    count = count - 1
  end
end

-- Drops what is past its age, or too much over all channels, oldest first; no more than `most`
-- events at a time, because Redis does nothing else meanwhile.
local function trim(most)
  for _ = 1, most do
    local oldest = call('ZRANGE', key('oldest'), 0, 0, 'WITHSCORES')
    if not oldest[1] then break end
    local tooMany = tonumber(call('HGET', key('log'), 'bytes')) > totalBytes
    if tonumber(oldest[2]) > now - age and not tooMany then break end
    drop(oldest[1])
  end
  trimKeys(most)
end

-- Notes that nobody can tell what came up to a seq, and tells the servers to begin anew.
local function lose(epoch, last, through)
  local seq = math.max(last + 1, through + 1, now)
  call('HSET', key('log'), 'lost', whole(through), 'last', whole(seq))
  call('XADD', key('feed'), streamId(seq), 'previous', whole(last), 'epoch', epoch, 'lost', '1')
  return seq
end

-- Answers the log's epoch and last seq, after making it where there is none. A server that knows a
-- later seq than the log has proves that Redis came back without its newest events.
local function openLog(epoch, known, newEpoch)
  local found = call('HMGET', key('log'), 'epoch', 'last')
  if not found[1] then
    call('HSET', key('log'), 'epoch', newEpoch, 'last', whole(known), 'lost', whole(known),
      'floor', 0, 'bytes', 0, 'fed', 0)
    return newEpoch, known
  end
  local last = tonumber(found[2])
  if epoch == found[1] and known > last then last = lose(epoch, last, known) end
  return found[1], last
end
