-- Tells the servers, through the feed, that events are about to be removed, and takes them out of the feed.
-- Arguments: epoch, what is removed as JSON, the seq of the last entry that holds any of it or 0.
-- Answers the epoch of the log alone where it is another; else the epoch, and the seq of the notice.

-- What servers that are a little behind still have to read. The rest they read from the log.
local MOST_KEPT = 1000

local log = call('HMGET', key('log'), 'epoch', 'last')
if log[1] ~= ARGV[FIRST] then return { log[1] or '' } end
local last, cut = tonumber(log[2]), tonumber(ARGV[FIRST + 2])
if cut > 0 then
  -- Made anew: a stream keeps the bytes of entries that are deleted next to others.
  local kept = call('XREVRANGE', key('feed'), '+', whole(cut + 1) .. '-0', 'COUNT', MOST_KEPT)
  call('DEL', key('feed'))
  for i = #kept, 1, -1 do call('XADD', key('feed'), kept[i][1], unpack(kept[i][2])) end
end
local seq = math.max(last + 1, now)
call('HSET', key('log'), 'last', whole(seq))
call('XADD', key('feed'), whole(seq) .. '-0', 'previous', whole(last), 'epoch', log[1],
  'removed', ARGV[FIRST + 1])
return { log[1], whole(seq) }
