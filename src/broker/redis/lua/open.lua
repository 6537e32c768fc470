-- Answers the log's epoch and last seq.
-- Arguments: epoch and last seq that the server knows, an epoch for a new log, and 1 where the log
-- has gone on from before that seq without it.

local known = tonumber(ARGV[FIRST + 1])
local epoch, last = openLog(ARGV[FIRST], known, ARGV[FIRST + 2])
if not epoch then return last end
if ARGV[FIRST + 3] == '1' and epoch == ARGV[FIRST]
    and tonumber(call('HGET', key('log'), 'lost')) < known then
  last = lose(epoch, last, known)
end
-- Every server asks for this once in each quiet second: also a Redis that has no room, and so takes
-- no events, gets rid of what is past its age.
trim()
return { epoch, whole(last) }
