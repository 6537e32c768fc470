-- Appends publications, each with all of its events.
-- Arguments: epoch and last seq that the server knows, an epoch for a new log, the call's name,
-- bytes of the feed between marks, marks at most, channels with retained events at most or nothing; then
-- for each publication: how many events, and where it has an idempotency key also a fingerprint and the key,
-- with a space between; and for each of these events: channel, user, its own id or nothing, size, JSON.
-- Answers the epoch, the last seq before and that of the first new event; then for each publication that is
-- not new: its number, 1 repeated, 2 key reused or 3 too many channels, seq, subscribers. New events have
-- consecutive seqs.

local known = tonumber(ARGV[FIRST + 1])
local epoch, last = openLog(ARGV[FIRST], known, ARGV[FIRST + 2])
if not epoch then return last end
local feed = { 'previous', whole(last), 'epoch', epoch, 'call', ARGV[FIRST + 3] }
local fed = 0

-- What the events add to each key is collected and written at once: a command costs as much as several
-- of its arguments. A call has no more than some thousand events, so it takes one command for each key.
local events = {}
local added = {}

local function listOf(lists, name)
  local list = lists[name]
  if not list then
    list = {}
    lists[name] = list
  end
  return list
end

local function addPublisherId(publisherId, channel, user, seq)
  local before = call('HINCRBY', key('own'), publisherId, 1) - 1
  if before > 0 then call('ZREM', key('gone'), publisherId) end
  call('ZADD', key('own:' .. publisherId), seq, before .. ' ' .. #channel .. ' ' .. channel .. user)
end

local function add(name, user, publisherId, size, json)
  last = math.max(last + 1, known + 1, now)
  local seq = whole(last)
  local event = seq .. ' ' .. size
  local channel = added[name]
  if not channel then
    channel = { order = {}, heard = {}, bytes = 0 }
    added[name] = channel
  end
  channel.order[#channel.order + 1] = event .. ' ' .. #user .. ' ' .. user .. publisherId
  channel.bytes = channel.bytes + size
  local heard = listOf(channel.heard, user)
  heard[#heard + 1] = seq
  heard[#heard + 1] = event
  events[#events + 1] = seq
  events[#events + 1] = json
  if publisherId ~= '' then addPublisherId(publisherId, name, user, seq) end
  feed[#feed + 1] = seq
  feed[#feed + 1] = json
  fed = fed + #json + 64
end

-- Drops what is too much in a channel.
local function trimChannel(name, channel)
  local tooMany = channel.count - eventsPerChannel
  if tooMany > 0 then drop(name, tooMany) end
  while channel.count > 0 and channel.bytes > bytesPerChannel do drop(name, 1) end
end

local function writeAdded()
  call('HSET', key('events'), unpack(events))
  for name, new in pairs(added) do
    local channel = channelOf(name)
    call('RPUSH', channel.order, unpack(new.order))
    for user, heard in pairs(new.heard) do call('ZADD', heardKey(name, user), unpack(heard)) end
    channel.count = channel.count + #new.order
    channel.bytes = channel.bytes + new.bytes
    addedBytes = addedBytes + new.bytes
    trimChannel(name, channel)
  end
end

local function recall(name, fingerprint)
  local record = call('HGET', key('keys'), name)
  if not record or seqOf(record) <= now - age then return nil end
  local reused = string.match(record, ' (.*)$') ~= fingerprint
  local subscribers = tonumber(call('HGET', key('counts'), name) or 0)
  return { reused and 2 or 1, whole(seqOf(record)), subscribers }
end

local function remember(name, fingerprint)
  call('HSET', key('keys'), name, whole(last) .. ' ' .. fingerprint)
  call('HDEL', key('counts'), name)
  call('RPUSH', key('keyorder'), whole(last) .. ' ' .. name)
end

-- Adds an entry to the feed. The feed is cut at marks that are set at equal distances in bytes, because
-- to ask each entry for its size would be work for every event.
local function feedServers(betweenMarks, maxMarks)
  call('XADD', key('feed'), whole(last) .. '-0', unpack(feed))
  call('HSET', key('log'), 'last', whole(last))
  if call('HINCRBY', key('log'), 'fed', fed) < betweenMarks then return end
  call('HSET', key('log'), 'fed', 0)
  if call('RPUSH', key('marks'), whole(last)) <= maxMarks then return end
  local mark = tonumber(call('LPOP', key('marks')))
  call('XTRIM', key('feed'), 'MINID', whole(mark + 1) .. '-0')
end

local maxChannels = tonumber(ARGV[FIRST + 6])
-- Channels that have retained events; counted once a new one comes.
local channels
-- New channels that this call brings.
local newChannels = 0
local hasTrimmed = false

-- Drops what is past its age, and counts anew.
local function makeRoom()
  -- None of them has been changed yet, and what was read of them may not be true any more.
  touched = {}
  trim()
  hasTrimmed = true
  channels = call('ZCARD', key('oldest'))
  newChannels = 0
  for name in pairs(added) do
    if channelOf(name).isNew then newChannels = newChannels + 1 end
  end
end

local function isFull()
  return channels + newChannels >= maxChannels
end

-- Whether there is room for the channel of events that are to be added. Whether it is new is read where they
-- are added too, so that this costs nothing more for one that is not.
local function hasRoom(name)
  if not maxChannels or added[name] or not channelOf(name).isNew then return true end
  channels = channels or call('ZCARD', key('oldest'))
  if isFull() and not hasTrimmed then makeRoom() end
  if isFull() then
    touched[name] = nil
    return false
  end
  newChannels = newChannels + 1
  return true
end

local results = { epoch, whole(last), 0 }
local at = FIRST + 7
local number = 0
while at <= #ARGV do
  local count, fingerprint, name = ARGV[at], nil, nil
  if string.find(count, ' ', 1, true) then
    count, fingerprint, name = string.match(count, '^(%d+) (%S+) (.*)$')
  end
  local following = at + 1 + 5 * count
  local found = name and recall(name, fingerprint)
  if not found and not hasRoom(ARGV[at + 1]) then found = { 3, 0, 0 } end
  if found then
    results[#results + 1] = number
    for i = 1, 3 do results[#results + 1] = found[i] end
  else
    for i = at + 1, following - 1, 5 do
      add(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4])
    end
    if name then remember(name, fingerprint) end
  end
  at = following
  number = number + 1
end
if #events > 0 then
  results[3] = events[1]
  writeAdded()
  feedServers(tonumber(ARGV[FIRST + 4]), tonumber(ARGV[FIRST + 5]))
end
trim()
return results
