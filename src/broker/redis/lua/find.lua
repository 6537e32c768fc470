-- The seq of a retained event that carries an id itself, as `Log.find` describes it, or -1.
-- Arguments: the id, how many events with it are looked at, user, channels.

trim()
local most = tonumber(ARGV[FIRST + 1])
local user = ARGV[FIRST + 2]
local channels = {}
for i = FIRST + 3, #ARGV do channels[ARGV[i]] = true end
local retainedBefore = 0
local holders = call('ZRANGE', key('own:' .. ARGV[FIRST]), 0, most, 'WITHSCORES')
for i = 1, #holders, 2 do
  local before, length, names = string.match(holders[i], '^(%d+) (%d+) (.*)$')
  local channel, heardBy = string.sub(names, 1, length), string.sub(names, length + 1)
  before = tonumber(before)
  if before ~= retainedBefore or before == most then break end
  if channels[channel] and (heardBy == '*' or heardBy == user) then
    return whole(tonumber(holders[i + 1]))
  end
  retainedBefore = retainedBefore + 1
end
return '-1'
