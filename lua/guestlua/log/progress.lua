-- Progress: on a terminal one line each, kept below the script's output; elsewhere a line now and then. All of it on standard error.

local bars = require("guestlua.log.bars")
local core = require("guestlua.core")
local define = require("guestlua.base.define")
local screen = require("guestlua.log.screen")

local REDRAW = 0.1 -- seconds between two drawings on a terminal
local LINE = 5 -- and between two lines elsewhere

local stderr = io.stderr
local quiet = false
local shown = {} -- the Progress objects with a line on the terminal, from the top

local Progress = define.class("Progress", "A progress line on standard error: guestlua.progress makes one.")

screen.paint(function(columns, most)
  local list = bars.lines(#shown <= most and shown or table.move(shown, 1, most - 1, 1, {}), columns)
  if #list < #shown then
    list[#list + 1] = screen.cut(("and %d more"):format(#shown - #list), columns)
  end
  return list
end)

local function show(bar)
  if quiet or bar.over then
    return
  elseif screen.is_terminal(stderr) then
    if screen.age() >= REDRAW then
      screen.draw()
    end
  elseif core.now() - bar.printed >= LINE then
    bar.printed = core.now()
    core.write_whole(stderr, ("%s: %s\n"):format(bar.label, bars.listed(bar)))
  end
end

local function finish(bar, failed)
  if bar.over then
    return
  end
  bar.over = true
  for i, other in ipairs(shown) do
    if other == bar then
      table.remove(shown, i)
      break
    end
  end
  if quiet then
    return
  elseif screen.is_terminal(stderr) then
    screen.draw(bars.summary(bar, failed))
  else
    core.write_whole(stderr, bars.summary(bar, failed) .. "\n")
  end
end

-- The progress of a job: from a disk's get_job_info, or a guest's.
local function amounts(info)
  if info.cur then
    return info.cur, info.end_ or info["end"]
  end
  return info.data_processed, info.data_total
end

define(Progress, "Progress", {
  name = "update",
  method = true,
  help = "Sets the present progress. The line is drawn at most ten times a second; if standard error is no terminal one is written every five "
    .. "seconds.",
  params = {
    { name = "current", type = "any", positional = true, required = true, help = "how many bytes are done; or what get_job_info() gives, of a disk "
      .. "or of a guest, which has both" },
    { name = "total", type = "number", positional = true, help = "the total; nil: as before" },
  },
  run = function(bar, current, total)
    if type(current) == "table" then
      current, total = amounts(current)
    end
    if type(current) ~= "number" or total ~= nil and type(total) ~= "number" then
      define.bad("update", "current", "a number expected, or the table that get_job_info() gives, got " .. type(current))
    end
    bars.note(bar, current, total)
    show(bar)
  end,
})

define(Progress, "Progress", {
  name = "done",
  method = true,
  help = "Replaces the line with a final one that gives the amount and the duration. A to-be-closed variable does the same at the end of "
    .. "its scope, and after an error says how far it came. Calling it twice is harmless.",
  run = function(bar)
    finish(bar, false)
  end,
})

define(Progress, "Progress", {
  name = "callback",
  method = true,
  help = "A function for on_progress: disk:await_job{on_progress = progress:callback()}.",
  result = "fun(info: table)",
  returns = "a function that takes the result of get_job_info()",
  run = function(bar)
    return function(...)
      bar:update(...)
    end
  end,
})

function Progress:__close(failure)
  finish(self, failure ~= nil)
end

define(Progress, "Progress", {
  name = "configure",
  help = "Progress.configure{quiet=true}: from now on no progress is shown; the command's -q. A function of the class, called with a dot.",
  params = { { name = "quiet", type = "boolean", help = "show none" } },
  run = function(options)
    if options.quiet ~= nil then
      quiet = options.quiet
    end
  end,
})

local progress = { Progress = Progress }

define(progress, "guestlua", {
  name = "progress",
  help = "Shows progress on standard error: local progress <close> = guestlua.progress(\"commit vda\"). On a terminal each open one has a line "
    .. "with a bar, per cent, bytes, rate and time left, below the script's output; elsewhere a line is written every five "
    .. "seconds.",
  result = "Progress",
  params = {
    { name = "label", type = "string", binary = true, positional = true, required = true, help = "what it is of" },
    { name = "total", type = "number", help = "the total number of bytes; update can set it later" },
  },
  run = function(label, options)
    local now = core.now()
    local bar = setmetatable({
      label = core.printable((label:gsub("%c", " "))),
      total = options.total,
      current = 0,
      began = now,
      printed = now,
      samples = { { time = now, current = 0 } },
    }, Progress)
    if not quiet and screen.is_terminal(stderr) then
      screen.protect()
      shown[#shown + 1] = bar
      screen.draw()
    end
    return bar
  end,
})

return progress
