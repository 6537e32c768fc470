-- The seq of a retained event that carries an id itself, as `Log.find` describes it, or -1.
-- Arguments: the id, how many events with it are looked at, user, channels.

local MOST_DROPPED = 1000

trim(MOST_DROPPED)
local most = tonumber(ARGV[FIRST + 1])
local user = ARGV[FIRST + 2]
local channels = {}
for i = FIRST + 3, #ARGV do channels[ARGV[i]] = true end
local retainedBefore = 0
for _, entry in ipairs(call('XRANGE', key('own:' .. ARGV[FIRST]), '-', '+', 'COUNT', most + 1)) do
  local event = fieldsOf(entry)
  local before = tonumber(event.before)
  if before ~= retainedBefore or before == most then break end
  if channels[event.channel] and (event.user == '*' or event.user == user) then
    return whole(seqOf(entry[1]))
  end
  retainedBefore = retainedBefore + 1
end
return '-1'
