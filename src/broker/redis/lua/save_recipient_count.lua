-- Notes how many subscribers a publication was handed to, for whoever repeats it.
-- Arguments: the idempotency key, its seq, the count.

local record = call('HGET', key('keys'), ARGV[FIRST])
if record and seqOf(record) == tonumber(ARGV[FIRST + 1]) then
  call('HSET', key('counts'), ARGV[FIRST], ARGV[FIRST + 2])
end
