-- Reads the next retained events for a subscription. The caller knows by now from which of its channels
-- they can come: it names these alone, and says up to which seq it knows that.
-- Arguments: epoch, position, the last seq of the log that counts, the last seq to read, bytes at most,
-- user, channels.
-- Answers the epoch of the log alone where it is another; else the epoch, the last seq that was dropped
-- from the channels or for the user, for each channel the seq of its next event or -1, then seq and JSON of each event.

local MOST_EVENTS = 2000

local log = call('HMGET', key('log'), 'epoch', 'lost', 'rejoined')
if log[1] ~= ARGV[FIRST] then return { log[1] or '' } end
trim()
local position = tonumber(ARGV[FIRST + 1])
local upTo, readUpTo = tonumber(ARGV[FIRST + 2]), tonumber(ARGV[FIRST + 3])
local maxBytes = tonumber(ARGV[FIRST + 4])
local user = ARGV[FIRST + 5]
local FIRST_CHANNEL = FIRST + 6

-- A source gives the events of one channel for one user, or for everyone, in order. Few at a time where
-- there are many sources: most of what is looked up must also be read.
local PAGE = math.max(4, math.min(256, math.floor(2048 / (#ARGV - FIRST_CHANNEL + 1))))

local function advance(source)
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

-- The sources that have an event left, as a binary heap: the one with the smallest seq comes first.
local heap = {}

local function push(source)
  local at = #heap + 1
  while at > 1 do
    local parent = math.floor(at / 2)
    if heap[parent].seq <= source.seq then break end
    heap[at] = heap[parent]
    at = parent
  end
  heap[at] = source
end

local function settleFirst()
  local source, count = heap[1], #heap
  if not source.seq then
    source = table.remove(heap)
    count = count - 1
    if count == 0 then return end
  end
  local at = 1
  while true do
    local child = 2 * at
    if child > count then break end
    if child < count and heap[child + 1].seq < heap[child].seq then child = child + 1 end
    if heap[child].seq >= source.seq then break end
    heap[at] = heap[child]
    at = child
  end
  heap[at] = source
end

local sources = {}
local function addSource(channel, name)
  local source = { key = heardKey(channel, name), page = {}, index = 0, after = position }
  advance(source)
  sources[#sources + 1] = source
  if source.seq then push(source) end
end
local perChannel = user == '*' and 1 or 2
for i = FIRST_CHANNEL, #ARGV do
  addSource(ARGV[i], '*')
  if user ~= '*' then addSource(ARGV[i], user) end
end

local horizon = math.max(horizonOf(FIRST_CHANNEL), removedFrom(user))
if position ~= tonumber(log[2]) then horizon = math.max(horizon, tonumber(log[3])) end

local seqs, bytes = {}, 0
while #seqs < MOST_EVENTS do
  local first = heap[1]
  if not first or first.seq > readUpTo then break end
  bytes = bytes + first.size
  if #seqs > 0 and bytes > maxBytes then break end
  seqs[#seqs + 1] = whole(first.seq)
  advance(first)
  settleFirst()
end

local texts = {}
if #seqs > 0 then texts = call('HMGET', key('events'), unpack(seqs)) end
local events = {}
for i, seq in ipairs(seqs) do
  if texts[i] then
    events[#events + 1] = seq
    events[#events + 1] = texts[i]
  else
    -- Redis has evicted it.
    horizon = math.max(horizon, tonumber(seq))
  end
end

local answer = { log[1], whole(horizon) }
for i = 1, #sources, perChannel do
  local seq = sources[i].seq
  local own = perChannel == 2 and sources[i + 1].seq
  if own and (not seq or own < seq) then seq = own end
  answer[#answer + 1] = seq and whole(seq) or '-1'
end
for i = 1, #events do answer[#answer + 1] = events[i] end
return answer
