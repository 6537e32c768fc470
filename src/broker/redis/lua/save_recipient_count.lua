-- Saves how many subscribers a publication was handed to: a repeated emit is answered the same.
-- Arguments: the idempotency key, its seq, the count.

local record = call('HGET', key('keys'), ARGV[FIRST])
if record and seqOf(record) == tonumber(ARGV[FIRST + 1]) then
  call('HSET', key('counts'), ARGV[FIRST], ARGV[FIRST + 2])
end
