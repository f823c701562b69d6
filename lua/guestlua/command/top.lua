-- guestlua top: what guests use now, on the terminal or as rows for programs.

local core = require("guestlua.core")
local arguments = require("guestlua.command.arguments")
local hosts = require("guestlua.command.hosts")
local jobs = require("guestlua.command.jobs")
local keyboard = require("guestlua.command.keyboard")
local output = require("guestlua.command.output")
local task = require("guestlua.task.group")
local usage = require("guestlua.host.usage")

local SORTS = { "cpu", "memory", "disk", "network", "name", "host" }

local SPEC = {
  word = "top",
  help = "Shows what guests use, and their jobs. Keys: q ends it, c m d n g h sort by cpu, memory, disk, network, name, host; / filters by the name "
    .. "that is typed, Enter keeps the filter, Esc drops it.",
  codes = "0; 1, a host did not answer, with --once, --csv or --json; 2, wrong usage.",
  options = {
    { name = "once", help = "print it once, of that many seconds" },
    { name = "csv", help = "print rows with commas between their cells, once or --count times" },
    { name = "json", help = "print an object a time, once or --count times" },
    { name = "count", argument = "COUNT", integer = true, help = "end after so many times" },
    { name = "delay", argument = "SECONDS", number = true, help = "between two looks; default: 2" },
    { name = "sort", argument = "WHAT", choices = SORTS, help = table.concat(SORTS, ", ") .. "; default: cpu" },
    { name = "filter", argument = "TEXT", help = "only guests that have it in their name" },
    { name = "active", help = "only guests that run" },
    hosts.OPTIONS[1],
    hosts.OPTIONS[2],
    { name = "timeout", argument = "SECONDS", number = true, help = "that each host has for its answer, default: 10, and to connect, default: 30" },
  },
}

local GROUPS = { "state", "cpu", "balloon", "block", "interface" }

-- The rows that are asked for, in their order.
local function pick(all, given)
  local rows = {}
  for _, row in ipairs(all) do
    rows[#rows + 1] = row.guest:find(given.filter or "", 1, true) and row or nil
  end
  return usage.sort(rows, given.sort or "cpu")
end

-- All rows of now, what is missing, and the answers themselves.
local function look(fleet, given, before)
  local stats, missing = fleet:stats({ groups = GROUPS, active = given.active, host_timeout = given.timeout or 10 })
  return usage.rows(before, stats), missing, stats
end

-- ---- for programs, and once ----

local function print_rows(given, rows, missing, with_host, bars)
  if given.json then
    local problems = {}
    for i, one in ipairs(missing) do
      problems[i] = output.failure(one.name, one.error)
    end
    output.json({ time = core.timestamp(), guests = setmetatable(rows, { __jsontype = "array" }),
      problems = setmetatable(problems, { __jsontype = "array" }) })
  elseif given.csv then
    io.stdout:write(usage.csv(rows, core.timestamp()))
  else
    local columns = core.columns(io.stdout) or 100
    local lines = usage.lines(rows, columns, with_host)
    local drawn = jobs.lines(bars, columns, math.huge)
    table.move(drawn, 1, #drawn, #lines + 1, lines)
    io.stdout:write(table.concat(lines, "\n"), "\n")
  end
  io.stdout:flush()
end

local function print_all(fleet, given, with_host)
  local group <close> = task.group()
  if (given.count or 1) > 1 then
    hosts.keep_trying(group, fleet, function() end)
  end
  local _, _, before = look(fleet, given)
  local code = arguments.DONE
  if given.csv then
    io.stdout:write(usage.CSV_HEADING)
  end
  for _ = 1, given.count or 1 do
    core.sleep(given.delay or 2)
    local all, missing, stats = look(fleet, given, before)
    local rows = pick(all, given)
    local bars = not given.csv and not given.json and jobs.look(fleet, rows, stats, {}, with_host)
    print_rows(given, rows, missing, with_host, bars)
    for _, one in ipairs(missing) do
      arguments.report(SPEC, one.name .. ": ", one.error)
      code = arguments.FAILED
    end
    before = stats
  end
  return code
end

-- ---- on the terminal ----

local KEYS = { c = "cpu", m = "memory", d = "disk", n = "network", g = "name", h = "host" }

local function put(text)
  core.write_whole(io.stdout, text)
end

local LEAVE = { __close = function() put("\27[?25h\27[?1049l") end }

-- The size of the screen now: what its parts are made for, and what there is, which may be less.
local function size()
  local columns, height = core.columns(io.stdout)
  columns, height = columns or 80, height or 24
  return math.max(columns, 20), math.max(height, 4), columns, height
end

-- What is on top: the time, how many guests there are, and what is shown of them.
local function headline(given, view)
  local count = #view.rows == #view.all and ("%d guests"):format(#view.all) or ("%d of %d guests"):format(#view.rows, #view.all)
  local filter = (given.filter or "") ~= "" or view.typing
  return ("guestlua top   %s   %s   by %s%s"):format(core.timestamp():match("T(%d+:%d+:%d+)"), count, given.sort or "cpu",
    filter and ("   filter: %s%s"):format(core.escape(given.filter or ""), view.typing and "_" or "") or "")
end

-- Fills the screen. view: all, rows (those that are shown), missing, stats, bars, typing.
local function draw(given, view, with_host)
  local columns, height, widest, highest = size()
  local lines = { headline(given, view) }
  for _, one in ipairs(view.missing) do
    lines[#lines + 1] = ("%s: %s"):format(core.escape(one.name), core.escape(core.Error.is(one.error) and one.error.message or tostring(one.error)))
  end
  for _, part in ipairs({ jobs.lines(view.bars, columns, height // 3), usage.lines(view.rows, columns, with_host) }) do
    table.move(part, 1, #part, #lines + 1, lines)
  end
  local frame = {}
  for i = 1, math.min(#lines, highest) do
    local text = lines[i]
    local cut = (utf8.len(text) or #text) > widest and text:sub(1, (utf8.offset(text, widest + 1) or widest + 1) - 1) or text
    frame[i] = cut .. "\27[K"
  end
  put("\27[H" .. table.concat(frame, "\r\n") .. "\27[J")
end

-- Of the guests that have room on the screen; beside all else, as some may be stuck.
local function follow_jobs(fleet, given, view, with_host)
  while true do
    local _, height = size()
    view.bars = jobs.look(fleet, table.move(view.rows, 1, math.min(#view.rows, height), 1, {}), view.stats, view.bars, with_host)
    core.sleep(given.delay or 2)
  end
end

-- A key, of the letters that a filter is typed with.
local function typed(given, view, key)
  local text = given.filter or ""
  if key == "\27" then
    given.filter, view.typing = nil, nil
  elseif key == "\r" or key == "\n" then
    view.typing = nil
  elseif key == "\127" or key == "\b" then
    given.filter = text:sub(1, (utf8.offset(text, -1) or #text) - 1)
  elseif key == "\21" then -- Ctrl-U
    given.filter = nil
  elseif not key:find("%c") then
    given.filter = text .. key
  end
end

-- What was typed; whether that ends it. Arrows and the like are no keys here.
local function press(given, view, bytes)
  for key in bytes:gsub("\27[%[O][%d;]*[%a~]", ""):gmatch(".") do
    if key == "\3" or key == "q" and not view.typing then
      return true
    elseif view.typing or key == "\27" then
      typed(given, view, key)
    elseif key == "/" then
      view.typing, given.filter = true, nil
    end
    given.sort = not view.typing and KEYS[key] or given.sort
  end
end

-- Looks again and again, beside what is typed: a host may take its time.
local function follow(fleet, given, view)
  while true do
    view.all, view.missing, view.stats = look(fleet, given, view.stats)
    view.rows, view.looks = pick(view.all, given), view.looks + 1
    view.woken:wake()
    view.due:wait({ timeout = given.delay or 2 })
  end
end

-- Draws whenever there is something new, until it is over.
local function paint(given, view, with_host)
  while not view.over and view.looks <= (given.count or math.huge) do
    view.woken:wait()
    if view.looks > 0 then
      view.rows = pick(view.all, given)
      draw(given, view, with_host)
    end
  end
end

local function show(fleet, given, with_host)
  local left <close> = setmetatable({}, LEAVE) -- luacheck: ignore left
  put("\27[?1049h\27[?25l")
  local view = { woken = core.signal(), due = core.signal(), looks = 0, rows = {}, bars = { unknown = {} } }
  local reading <close> = keyboard.open(function(bytes) -- luacheck: ignore reading
    view.over = view.over or not bytes or press(given, view, bytes)
    view.woken:wake()
  end)
  local group <close> = task.group()
  hosts.keep_trying(group, fleet, function()
    view.due:wake()
  end)
  group:spawn(follow, fleet, given, view)
  group:spawn(follow_jobs, fleet, given, view, with_host)
  group:spawn(function()
    paint(given, view, with_host)
    group:cancel()
  end)
  group:wait()
  return arguments.DONE
end

local function run(given)
  output.check(given.json)
  if given.csv and given.json then
    arguments.complain(SPEC, "--csv and --json do not go together")
    return arguments.USAGE
  end
  local on_screen = not (given.once or given.csv or given.json) and core.isatty(io.stdout)
  local fleet <close> = hosts.open(given, on_screen)
  return (on_screen and show or print_all)(fleet, given, #fleet.hosts + #fleet.bad > 1)
end

return function(_, ...)
  return arguments.main(SPEC, run, ...)
end
