-- The seq of the oldest retained event of some channels for a subscription, or -1.
-- Arguments: user, channels.

local user = ARGV[FIRST]

-- The oldest event of each channel, whoever it is for, is known at once; few channels can then have an
-- older one for the subscription than another has.
local oldestAny, first = {}, nil
forChannels('ZMSCORE', 'oldest', FIRST + 1, function(channel, seq)
  if not seq then return end
  oldestAny[channel] = tonumber(seq)
  if not first or oldestAny[channel] < oldestAny[first] then first = channel end
end)

local oldest
local function look(channel)
  for _, name in ipairs(user == '*' and { '*' } or { '*', user }) do
    local event = call('ZRANGE', heardKey(channel, name), 0, 0)[1]
    local seq = event and seqOf(event)
    if seq and (not oldest or seq < oldest) then oldest = seq end
  end
end

if first then look(first) end
for channel, seq in pairs(oldestAny) do
  if not oldest or seq < oldest then look(channel) end
end
return oldest and whole(oldest) or '-1'
