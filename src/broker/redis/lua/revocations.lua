-- Answers how many revocations count now, and the next of all that there are, three texts for each: its place
-- in their order, its target and its two times. See revoke.lua.
-- Arguments: the prefix of the keys, the place after which to begin, how many to answer at most, and the time.

local order = ARGV[1] .. 'revokedorder'
local answer = { tostring(redis.call('ZCOUNT', ARGV[1] .. 'revokedends', '(' .. ARGV[4], '+inf')) }
local found = redis.call('ZRANGEBYSCORE', order, '(' .. ARGV[2], '+inf', 'WITHSCORES',
  'LIMIT', 0, tonumber(ARGV[3]))
for i = 1, #found, 2 do
  answer[#answer + 1] = found[i + 1]
  answer[#answer + 1] = found[i]
  answer[#answer + 1] = redis.call('HGET', ARGV[1] .. 'revoked', found[i]) or ''
end
return answer
