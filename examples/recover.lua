#!/usr/bin/env guestlua
-- Finds what killed runs of workflows left on a host's guests, and finishes it or takes it back. Harmless at any time.
--
--   guestlua -c URI recover.lua [JOURNAL]
--
-- JOURNAL is the directory that the runs were given with guestlua.journal{dir=…}.

guestlua.journal({ dir = (...) })

local host <close> = guestlua.open()
local ok, results = pcall(guestlua.recover, host)
for _, run in ipairs(ok and results or results.results or {}) do
  print(("%s of %s, killed at '%s': %s"):format(run.workflow, run.guest, run.step, run.outcome or run.problem or tostring(run.error)))
end
if not ok then
  error(results, 0)
end
