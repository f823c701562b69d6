-- Turns: how many backups go on at once to one directory, from all machines that have it, and on this machine. Each that goes on holds one of so many
-- locks, which end with their owners; the others wait until one is free.

local core = require("guestlua.core")
local journal = require("guestlua.base.journal")
local server = require("guestlua.backup.server")

local turns = {}

turns.TARGET = { name = "per_target", type = "integer", least = 1, help = "wait until fewer than so many backups go to that directory (with an NBD "
  .. "server: `manifest`), from all processes and machines that have it and say so too; default: no limit" }
turns.HOST = { name = "per_host", type = "integer", least = 1, help = "wait until fewer than so many go on here, of this user's processes that say "
  .. "so too; default: no limit" }

local PAUSE = 0.2 -- seconds between two looks

-- Takes one of so many locks, which have numbers in their names.
local function take(run, count, stem, ending)
  while true do
    for i = 1, count do
      local lock = core.lock(stem .. i .. ending)
      if lock then
        return run:hold(lock)
      end
    end
    core.sleep(PAUSE)
  end
end

-- Waits for the run's turn, which lasts until it is over. mode: of the target's directory, if it is made. A run that waits for the target has a turn
-- on the host, and none waits the other way round.
function turns.await(run, mode)
  local options = run.options
  if options.per_host then
    take(run, options.per_host, journal.directory() .. "/backup.", ".lock")
  end
  if options.per_target then
    local directory = server.directory(options):gsub("(.)/+$", "%1")
    if not core.identify(directory) then
      core.make_directory(directory, mode)
    end
    take(run, options.per_target, directory .. "/turn.", "")
  end
end

return turns
