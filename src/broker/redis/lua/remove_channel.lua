-- Removes the oldest events of a channel up to a seq, some at a time.
-- Arguments: epoch, channel, the last seq to remove.
-- Answers the epoch of the log alone where it is another; else the epoch, how many events were removed, and
-- an empty text where none is left.

local epoch = call('HGET', key('log'), 'epoch')
if epoch ~= ARGV[FIRST] then return { epoch or '' } end
local name, through = ARGV[FIRST + 1], tonumber(ARGV[FIRST + 2])
local count = 0
for _, event in ipairs(call('LRANGE', key('order:' .. name), 0, MOST_REMOVED - 1)) do
  if seqOf(event) > through then break end
  count = count + 1
end
if count > 0 then drop(name, count) end
trim()
return { epoch, count, count < MOST_REMOVED and '' or 'more' }
