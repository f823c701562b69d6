-- How far things are: on a terminal a line each, kept below what the script prints; elsewhere a line now and then. All of it on standard error.
--
-- The lines are taken away before anything else is written to the terminal and drawn again after it. For that print, io.write and file:write are
-- replaced, the first time that a line is shown or by progress.protect().

local core = require("guestlua.core")
local define = require("guestlua.base.define")

local REDRAW = 0.1 -- seconds between two drawings on a terminal
local LINE = 5 -- and between two lines elsewhere
local RATE_OVER = 10 -- the rate is that of the last so many seconds
local SHORTEST_GAUGE, LONGEST_GAUGE, SHORTEST_LABEL = 8, 40, 12 -- in columns
local LONGEST_TAIL = 2000

local stderr = io.stderr
local quiet = false

local Progress = define.class("Progress", "How far something is, as a line on standard error: guestlua.progress makes one.")

-- ---- texts ----

local UNITS = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" }

-- "1.5 GiB", "0.3 of 1.5 GiB"
local function bytes(n, of)
  local largest, unit = of or n, 1
  while largest >= 1024 and unit < #UNITS do
    n, largest, unit = n / 1024, largest / 1024, unit + 1
  end
  local format = unit == 1 and "%.0f" or "%.1f"
  return (of and format .. " of " or ""):format(n) .. format:format(largest) .. " " .. UNITS[unit]
end

local function duration(seconds)
  local s = math.floor(seconds + 0.5)
  if s >= 3600 then
    return ("%d:%02d:%02d"):format(s // 3600, s // 60 % 60, s % 60)
  end
  return ("%d:%02d"):format(s // 60, s % 60)
end

-- How many columns a text takes, and the text cut to so many.
local function width(text)
  text = text:match("[^\r]*$"):gsub("\27%[[%d;?]*%a", "")
  local column = 0
  for part, tab in text:gmatch("([^\t]*)(\t?)") do
    column = column + (utf8.len(part) or #part)
    column = tab == "" and column or column // 8 * 8 + 8
  end
  return column
end

local function cut(text, columns)
  if width(text) <= columns then
    return text
  end
  return text:sub(1, (utf8.len(text) and utf8.offset(text, columns + 1) or columns + 1) - 1)
end

local function percent(bar)
  return math.min(math.floor(bar.current * 100 / bar.total), 100)
end

local function has_total(bar)
  return bar.total and bar.total > 0
end

-- "50 %", "0.5 of 1.0 GiB", "100.0 MiB/s", "0:05 left": as far as they are known.
local function facts(bar)
  local list = {}
  if has_total(bar) then
    list[1] = ("%3d %%"):format(percent(bar))
    list[2] = bytes(bar.current, bar.total)
  else
    list[1] = bytes(bar.current)
  end
  local first, last = bar.samples[1], bar.samples[#bar.samples]
  local rate = last.time > first.time and (last.current - first.current) / (last.time - first.time)
  if rate and rate > 0 then
    list[#list + 1] = bytes(rate) .. "/s"
    if has_total(bar) and bar.current < bar.total then
      list[#list + 1] = duration((bar.total - bar.current) / rate) .. " left"
    end
  end
  return list
end

-- The first so many facts, or all, as a sentence has them.
local function listed(bar, count)
  local list = facts(bar)
  return (table.concat(list, ", ", 1, count or #list):gsub("^ +", ""))
end

-- A line for each bar, the gauges below each other.
local function bar_lines(bars, columns)
  local texts, longest, label_width = {}, 0, 0
  for i, bar in ipairs(bars) do
    texts[i] = table.concat(facts(bar), "  ")
    longest, label_width = math.max(longest, width(texts[i])), math.max(label_width, width(bar.label))
  end
  label_width = math.min(label_width, math.max(columns - longest - SHORTEST_GAUGE - 5, SHORTEST_LABEL))
  local room = math.min(columns - label_width - longest - 5, LONGEST_GAUGE)
  for i, bar in ipairs(bars) do
    local gauge = ""
    if room >= SHORTEST_GAUGE then
      local full = has_total(bar) and percent(bar) * room // 100 or 0
      gauge = has_total(bar) and ("[%s%s]  "):format(("#"):rep(full), ("-"):rep(room - full)) or (" "):rep(room + 4)
    end
    local label = cut(bar.label, label_width)
    texts[i] = cut(label .. (" "):rep(label_width - width(label) + 1) .. gauge .. texts[i], columns)
  end
  return texts
end

local function summary(bar, failed)
  local seconds = core.now() - bar.began
  if failed then
    return ("%s: stopped after %s, at %s"):format(bar.label, duration(seconds), listed(bar, has_total(bar) and 2 or 1))
  end
  local rate = seconds > 0.1 and bar.current > 0 and (", %s/s"):format(bytes(bar.current / seconds)) or ""
  return ("%s: done, %s in %s%s"):format(bar.label, bytes(bar.current), duration(seconds), rate)
end

-- ---- the terminal ----

local shown = {} -- the Progress objects with a line on the terminal, from the top
local drawn = {} -- how wide the lines are that are there now
local tail = "" -- what the script wrote since its last line feed: it stands above our lines, and is written again when they go
local last_drawn = -math.huge

-- How many rows of the terminal something of that width takes. The terminal may have become narrower since it was written.
local function rows(columns, wide)
  return math.max((wide + columns - 1) // columns, 1)
end

-- What takes our lines away, and leaves the cursor where the script's unfinished line begins.
local function erasure(columns)
  local up = tail ~= "" and rows(columns, width(tail)) or 0
  for _, wide in ipairs(drawn) do
    up = up + rows(columns, wide)
  end
  if #drawn == 0 and up > 0 then
    up = up - 1 -- the cursor is in the unfinished line itself
  end
  drawn = {}
  return "\r" .. (up > 0 and ("\27[%dA"):format(up) or "") .. "\27[J"
end

-- Our lines, below the script's unfinished one.
local function lines(columns, height)
  if #shown == 0 then
    return ""
  end
  local fit = math.max(height - 2, 1)
  local list = bar_lines(#shown <= fit and shown or table.move(shown, 1, fit - 1, 1, {}), columns - 1)
  if #list < #shown then
    list[#list + 1] = cut(("and %d more"):format(#shown - #list), columns - 1)
  end
  for i, line in ipairs(list) do
    drawn[i] = width(line)
  end
  return (tail ~= "" and "\n" or "") .. table.concat(list, "\n") .. "\n"
end

local above -- takes a text and says whether it did: the prompt, which shows it above its line

local function put(file, text)
  if not above or not above(text) then
    core.write_whole(file, text)
  end
end

-- Draws anew, with a line for good above, where there is one.
local function draw(line)
  local columns, height = core.columns(stderr)
  if columns then
    local before = erasure(columns)
    put(stderr, before .. (line and cut(line, columns) .. "\n" or "") .. tail .. lines(columns, height))
  end
  last_drawn = core.now()
end

local terminals = setmetatable({}, { __mode = "k" })
local function is_terminal(file)
  if terminals[file] == nil then
    terminals[file] = io.type(file) == "file" and core.isatty(file)
  end
  return terminals[file] and io.type(file) == "file"
end

local function joined(separator, ...)
  local parts = table.pack(...)
  for i = 1, parts.n do
    parts[i] = tostring(parts[i])
  end
  return table.concat(parts, separator)
end

-- Calls write(file, …), which writes to the terminal: our lines are out of its way.
local function aside(write, file, ...)
  local text, visible = joined("", ...), #drawn > 0
  if visible then
    put(stderr, erasure((core.columns(stderr))) .. tail)
  end
  local results = above and above(text) and { file, n = 1 } or table.pack(write(file, ...))
  tail = text:find("\n", 1, true) and text:match("[^\n]*$") or tail .. text
  if #tail > LONGEST_TAIL then
    tail = ""
    put(file, "\n")
  end
  file:flush()
  if visible then
    draw()
  end
  return table.unpack(results, 1, results.n)
end

-- What the library's own function says, which would point to this module.
local function check_writable(...)
  for i = 1, select("#", ...) do
    local kind = type((select(i, ...)))
    if kind ~= "string" and kind ~= "number" then
      error(("bad argument #%d to 'write' (string expected, got %s)"):format(i, kind), 3)
    end
  end
end

local protected = false
local function protect()
  if protected or not is_terminal(stderr) and not is_terminal(io.stdout) then
    return
  end
  protected = true
  local methods = getmetatable(stderr).__index
  local write, stdout, output = methods.write, io.stdout, io.output
  methods.write = function(file, ...)
    if not is_terminal(file) then
      return write(file, ...)
    end
    check_writable(...)
    return aside(write, file, ...)
  end
  io.write = function(...) -- luacheck: ignore 122
    check_writable(...)
    return output():write(...)
  end
  print = function(...) -- luacheck: ignore 121
    stdout:write(joined("\t", ...) .. "\n")
  end
end

-- ---- Progress ----

local function note(bar, current, total)
  local now = core.now()
  bar.current, bar.total = current, total or bar.total
  local samples = bar.samples
  samples[#samples + 1] = { time = now, current = current }
  while #samples > 2 and now - samples[2].time > RATE_OVER do
    table.remove(samples, 1)
  end
end

local function show(bar)
  if quiet or bar.over then
    return
  elseif is_terminal(stderr) then
    if core.now() - last_drawn >= REDRAW then
      draw()
    end
  elseif core.now() - bar.told >= LINE then
    bar.told = core.now()
    core.write_whole(stderr, ("%s: %s\n"):format(bar.label, listed(bar)))
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
  elseif is_terminal(stderr) then
    draw(summary(bar, failed))
  else
    core.write_whole(stderr, summary(bar, failed) .. "\n")
  end
end

-- How far a job is: a disk's get_job_info, or a guest's.
local function amounts(info)
  if info.cur then
    return info.cur, info.end_ or info["end"]
  end
  return info.data_processed, info.data_total
end

define(Progress, "Progress", {
  name = "update",
  method = true,
  help = "Says how far it is now. The line is drawn ten times a second at most; where standard error is no terminal one is written every five "
    .. "seconds.",
  params = {
    { name = "current", type = "any", positional = true, required = true, help = "how many bytes are done; or what get_job_info() gives, of a disk "
      .. "or of a guest, which has both" },
    { name = "total", type = "number", positional = true, help = "of how many; nil: as before" },
  },
  run = function(bar, current, total)
    if type(current) == "table" then
      current, total = amounts(current)
    end
    if type(current) ~= "number" or total ~= nil and type(total) ~= "number" then
      define.bad("update", "current", "a number expected, or the table that get_job_info() gives, got " .. type(current))
    end
    note(bar, current, total)
    show(bar)
  end,
})

define(Progress, "Progress", {
  name = "done",
  method = true,
  help = "Takes the line away, and leaves one that says how much it was and how long it took. A to-be-closed variable does the same at the end of "
    .. "its scope, and says where an error stopped it. Calling it twice is harmless.",
  run = function(bar)
    finish(bar, false)
  end,
})

define(Progress, "Progress", {
  name = "callback",
  method = true,
  help = "What can be given as on_progress: disk:await_job{on_progress = progress:callback()}.",
  result = "fun(info: table)",
  returns = "a function that takes what get_job_info() gives",
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

local progress = {
  Progress = Progress,
  protect = protect,
  configure = Progress.configure,
}

-- For the prompt. What is written to the terminal goes to take(text) first, which says whether it took it.
function progress.above(take)
  protect()
  above = take
end

-- Leaves the lines where they are, and draws below what comes: a line was typed, which is not ours.
function progress.leave()
  drawn, tail = {}, ""
end

-- Writes a text in one piece, and on a terminal above the lines.
function progress.write(file, text)
  if is_terminal(file) then
    aside(core.write_whole, file, text)
  else
    core.write_whole(file, text)
  end
end

define(progress, "guestlua", {
  name = "progress",
  help = "Shows how far something is, on standard error: local progress <close> = guestlua.progress(\"commit vda\"). On a terminal that is a line "
    .. "with a bar, per cent, bytes, rate and time left, below what the script prints, one for each that is open; elsewhere a line every five "
    .. "seconds.",
  result = "Progress",
  params = {
    { name = "label", type = "string", binary = true, positional = true, required = true, help = "what it is of" },
    { name = "total", type = "number", help = "how many bytes there are; update may say it later" },
  },
  run = function(label, options)
    local now = core.now()
    local bar = setmetatable({
      label = core.printable((label:gsub("%c", " "))),
      total = options.total,
      current = 0,
      began = now,
      told = now,
      samples = { { time = now, current = 0 } },
    }, Progress)
    if not quiet and is_terminal(stderr) then
      protect()
      shown[#shown + 1] = bar
      draw()
    end
    return bar
  end,
})

return progress
