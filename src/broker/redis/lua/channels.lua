-- Answers some of the channels with retained events: where to go on, which is 0 at the end, then for each channel
-- its name, how many events and how many bytes.
-- Arguments: where to go on, 0 at the beginning, and about how many.

trim()
local found = call('HSCAN', key('sizes'), ARGV[FIRST], 'COUNT', ARGV[FIRST + 1])
local answer = { found[1] }
for i = 1, #found[2], 2 do
  local name = found[2][i]
  answer[#answer + 1] = name
  answer[#answer + 1] = call('LLEN', key('order:' .. name))
  answer[#answer + 1] = found[2][i + 1]
end
return answer
