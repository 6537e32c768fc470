-- Reads the next retained events for a subscription, as `Log.read` describes it.
-- Arguments: epoch, position, gapReportedThrough, the last seq to read, bytes at most, user, channels.
-- Answers the epoch of the log alone where it is another; else the epoch, 1 where nothing is left
-- to read, the last seq looked at, the gap's last seq or -1, the oldest seq heard or -1, then seq
-- and JSON of each event.

local MOST_EVENTS = 2000
local PAGE = 256

local log = call('HMGET', key('log'), 'epoch', 'lost', 'rejoined')
if log[1] ~= ARGV[FIRST] then return { log[1] or '' } end
trim()
local floor = tonumber(call('HGET', key('log'), 'floor'))
local position, gapReportedThrough = tonumber(ARGV[FIRST + 1]), tonumber(ARGV[FIRST + 2])
local upTo = tonumber(ARGV[FIRST + 3])
local maxBytes = tonumber(ARGV[FIRST + 4])
local user = ARGV[FIRST + 5]

-- A source gives the events of one channel for one user, or for everyone, in order.
local function nextOf(source)
  source.index = source.index + 1
  if source.index > #source.page and not source.complete then
    source.page = call('ZRANGEBYSCORE', source.key, whole(source.after + 1), whole(upTo), 'LIMIT',
      0, PAGE)
    source.complete = #source.page < PAGE
    source.index = 1
  end
  local event = source.page[source.index]
  if not event then
    source.seq = nil
    return
  end
  local seq, size = string.match(event, '^(%d+) (%d+)$')
  source.seq, source.size, source.after = tonumber(seq), tonumber(size), tonumber(seq)
end

local sources = {}
local gap, oldest = -1, -1
local function addSource(channel, name)
  local source = { key = heardKey(channel, name), page = {}, index = 0, after = position }
  nextOf(source)
  sources[#sources + 1] = source
end
for i = FIRST + 6, #ARGV do
  local channel = ARGV[i]
  local known = call('HGET', key('horizons'), channel)
  gap = math.max(gap, known and tonumber(known) or floor)
  addSource(channel, '*')
  if user ~= '*' then addSource(channel, user) end
end

if position ~= tonumber(log[2]) then gap = math.max(gap, tonumber(log[3])) end

local seqs, bytes, complete, through = {}, 0, 0, position
while #seqs < MOST_EVENTS do
  local first
  for _, source in ipairs(sources) do
    if source.seq and (not first or source.seq < first.seq) then first = source end
  end
  if not first then
    complete, through = 1, upTo
    break
  end
  bytes = bytes + first.size
  if #seqs > 0 and bytes > maxBytes then break end
  seqs[#seqs + 1] = whole(first.seq)
  through = first.seq
  nextOf(first)
end

local texts = {}
if #seqs > 0 then texts = call('HMGET', key('events'), unpack(seqs)) end
local events = {}
for i, seq in ipairs(seqs) do
  if texts[i] then
    events[#events + 1] = seq
    events[#events + 1] = texts[i]
  else
    -- Redis has thrown it away by itself.
    gap = math.max(gap, tonumber(seq))
  end
end

-- What was dropped past the last seq to read is not this reader's: it gets that from the feed.
gap = math.min(gap, upTo)
if gap <= math.max(position, gapReportedThrough) then
  gap = -1
else
  for _, source in ipairs(sources) do
    local first = call('ZRANGE', source.key, 0, 0)[1]
    if first and (oldest < 0 or seqOf(first) < oldest) then oldest = seqOf(first) end
  end
end

return { log[1], complete, whole(through), whole(gap), whole(oldest), unpack(events) }
