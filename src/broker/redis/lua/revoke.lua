-- Keeps revocations. Answers how many were not known, or -1 where there is no room for all of them: then
-- none is kept.
--   revoked       hash    target -> until when the tokens were issued, and until when that counts
--   revokedends   zset    targets by the latter
--   revokedorder  zset    targets in the order in which servers are to read them: see revocations.lua
-- Arguments: the prefix of the keys, the time, how many there may be, and three for each: its target and
-- the two times.

local call = redis.call
local records, ends, order = ARGV[1] .. 'revoked', ARGV[1] .. 'revokedends', ARGV[1] .. 'revokedorder'
local most = tonumber(ARGV[3])
local FIRST = 4

-- What is dropped at a time, because Redis does nothing else meanwhile.
local MOST_DROPPED = 1000

-- Returns how many were dropped.
local function dropOld()
  local old = call('ZRANGEBYSCORE', ends, '-inf', ARGV[2], 'LIMIT', 0, MOST_DROPPED)
  if #old > 0 then
    call('HDEL', records, unpack(old))
    call('ZREM', order, unpack(old))
    call('ZREM', ends, unpack(old))
  end
  return #old
end

local added = 0
local seen = {}
dropOld()
for i = FIRST, #ARGV, 3 do
  if not seen[ARGV[i]] and not call('ZSCORE', ends, ARGV[i]) then added = added + 1 end
  seen[ARGV[i]] = true
end
while call('ZCARD', ends) + added > most do
  if dropOld() == 0 then return -1 end
end

local time = call('TIME')
local last = call('ZREVRANGE', order, 0, 0, 'WITHSCORES')[2]
local place = math.max(tonumber(time[1]) * 1000000 + tonumber(time[2]), tonumber(last or 0) + 1)
for i = FIRST, #ARGV, 3 do
  local target, revokedAt, forgetAt = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local known = call('HGET', records, target)
  if known then
    local before, till = string.match(known, '^(%S+) (%S+)$')
    if tonumber(before) > tonumber(revokedAt) then revokedAt = before end
    if tonumber(till) > tonumber(forgetAt) then forgetAt = till end
  end
  call('HSET', records, target, revokedAt .. ' ' .. forgetAt)
  call('ZADD', ends, forgetAt, target)
  call('ZADD', order, string.format('%.0f', place), target)
  place = place + 1
end
return added
