-- Answers how much is retained of all channels: events, bytes, channels with events.

trim()
return { call('HLEN', key('events')), tonumber(call('HGET', key('log'), 'bytes') or 0), call('ZCARD', key('oldest')) }
