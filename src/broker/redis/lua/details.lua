-- Answers what is retained of some channels.
-- Arguments: microseconds that count as recent, channels.
-- Answers the time, then for each channel: events, bytes, the seqs of the oldest and of the newest event or -1, how
-- many events are recent, and the last seq that was dropped.

trim()
local recentFrom = now - tonumber(ARGV[FIRST])
local floor = call('HGET', key('log'), 'floor') or '0'

-- How many events at the end of a list are recent: steps that double until one is too old, then halves.
local function countRecent(order, count)
  local function isRecent(fromEnd)
    return seqOf(call('LINDEX', order, -fromEnd)) > recentFrom
  end
  local recent, step = 0, 1
  while recent + step <= count and isRecent(recent + step) do
    recent = recent + step
    step = step * 2
  end
  while step > 1 do
    step = step / 2
    if recent + step <= count and isRecent(recent + step) then recent = recent + step end
  end
  return recent
end

local answer = { whole(now) }
for i = FIRST + 1, #ARGV do
  local order = key('order:' .. ARGV[i])
  local count = call('LLEN', order)
  answer[#answer + 1] = whole(count)
  answer[#answer + 1] = call('HGET', key('sizes'), ARGV[i]) or '0'
  answer[#answer + 1] = count > 0 and whole(seqOf(call('LINDEX', order, 0))) or '-1'
  answer[#answer + 1] = count > 0 and whole(seqOf(call('LINDEX', order, -1))) or '-1'
  answer[#answer + 1] = whole(countRecent(order, count))
  answer[#answer + 1] = call('HGET', key('horizons'), ARGV[i]) or floor
end
return answer
