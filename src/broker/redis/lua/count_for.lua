-- Answers how many events for a user some channels retain.
-- Arguments: user, channels.

trim()
local answer = {}
for i = FIRST + 1, #ARGV do
  answer[#answer + 1] = call('ZCARD', heardKey(ARGV[i], ARGV[FIRST]))
end
return answer
