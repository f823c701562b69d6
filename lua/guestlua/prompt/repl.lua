-- The prompt: reads statements and expressions, runs each as a task, shows what it gives. On a terminal with readline, elsewhere line by line.

local guestlua = require("guestlua")
local core = require("guestlua.core")
local terminal = require("guestlua.terminal")
local screen = require("guestlua.log.screen")
local show = require("guestlua.prompt.show")
local typed = require("guestlua.prompt.typed")

local is = core.Error.is

local function columns()
  return select(2, terminal.size())
end

local function shown(value)
  local lines, width = terminal.size()
  return show.value(value, width, lines - 2)
end

local function history_path()
  local state = os.getenv("XDG_STATE_HOME")
  local home = os.getenv("HOME")
  if not state or state:sub(1, 1) ~= "/" then
    state = home and home .. "/.local/state"
  end
  return state and state .. "/guestlua/history"
end

-- The chunk of what was typed; nil and whether there is more to come, and what is wrong.
local function compile(text)
  text = text:gsub("^%s*=", "return ")
  local chunk, wrong = load("return " .. text, "=stdin")
  if chunk then
    return chunk
  end
  local statement, message = load(text, "=stdin")
  return statement, not statement and (message:find("<eof>$") or wrong:find("<eof>$")) ~= nil, message
end

-- A text gets the traceback of the code that was typed; an Error already says where it comes from.
local function traced(e, text)
  if type(e) ~= "string" then
    return e
  end
  local hint = require("guestlua.prompt.looked_up")(e, text)
  e = core.printable(e, "indent") .. (hint and "\n" .. hint or "")
  local trace = debug.traceback("", 2):gsub("\n\t%[C%]: in function 'xpcall'.*", "")
  return trace:find("\n\t[^%[]") and e .. trace or e
end

-- ---- what happens in the background is printed above the prompt ----

local numbers = setmetatable({}, { __mode = "k" })

local function report(...)
  io.stdout:write(table.concat({ ... }), "\n")
end

-- guestlua.spawn for the prompt: who types it wants to know when the task has ended, and may never wait for it.
local function reporting(spawn)
  local count = 0
  return function(fn, ...)
    if type(fn) ~= "function" then
      return spawn(fn, ...)
    end
    count = count + 1
    local number = count
    local task = spawn(function(...)
      local guard <close> = setmetatable({}, {
        __close = function(_, e)
          if e == nil then
            report(("[%d] done"):format(number))
          elseif not is(e, "cancelled") or e.still_running then
            report(("[%d] failed: "):format(number), show.value(e, columns()))
          else
            report(("[%d] cancelled"):format(number))
          end
        end,
      })
      return fn(...)
    end, ...)
    numbers[task] = number
    return task
  end
end

local function event_text(event)
  local name = event.guest or event.object
  local parts = { event.event, name and ("%s '%s'"):format(event.object_type or "guest", core.printable(name)) }
  local keys = {}
  for key in pairs(event) do
    if key ~= "event" and key ~= "guest" and key ~= "object" and key ~= "object_type" and key ~= "uuid" then
      keys[#keys + 1] = key
    end
  end
  table.sort(keys)
  for _, key in ipairs(keys) do
    parts[#parts + 1] = ("%s=%s"):format(key, core.printable(tostring(event[key])))
  end
  return table.concat(parts, " ")
end

local watches = {}

-- The event that most want to see, and the first of a class: "lifecycle", "network_lifecycle" …
local function first_event(object)
  local help = require("guestlua.prompt.help")
  local class = help.class_of(object)
  local row = class and help.member(class, "subscribe")
  return row and row.params[1].choices[1] or "lifecycle"
end

-- watch(object, "lifecycle", …): prints the events of an object from now on.
local function watch(object, ...)
  local help = require("guestlua.prompt.help")
  local class = help.class_of(object)
  if not (class and help.member(class, "on")) then
    local got = class and class.name or type(object)
    require("guestlua.base.define").bad("watch", "object", "what has events expected, as a Host or a Guest, got " .. got)
  end
  local names = select("#", ...) == 0 and { first_event(object) } or type((...)) == "table" and (...) or { ... }
  local subscription = object:on(names, function(event)
    report(event_text(event))
  end)
  watches[#watches + 1] = subscription
  report(("watching %s of %s; unwatch() stops it"):format(table.concat(names, ", "), core.printable(tostring(object))))
end

-- Stops all that watch has begun.
local function unwatch()
  report(#watches == 1 and "1 watch ended" or ("%d watches ended"):format(#watches))
  for _, subscription in ipairs(watches) do
    subscription:close()
  end
  watches = {}
end

local function present(...)
  for i = 1, select("#", ...) do
    local value = select(i, ...)
    local number = numbers[value]
    print(number and ("[%d] %s"):format(number, value:status()) or shown(value))
  end
end

-- What is typed runs with these: a sandbox has its own.
local globals = load("return _G")()

-- What only the prompt has.
local function open_globals()
  globals.watch, globals.unwatch = watch, unwatch
  globals.show = present
  globals.help = function(topic)
    print(require("guestlua.prompt.pages").text(topic, columns()))
  end
end

-- ---- running ----

-- An interrupt that is Ctrl-C has done what it should when the call is cancelled; SIGTERM ends the prompt.
local function ends(e)
  return is(e, "interrupted") and (terminal.ending() or not terminal.prompts())
end

-- Runs the chunk as a task, so that Ctrl-C can cancel it. Shows its results or its error.
local function perform(chunk, output, text)
  local task = core.spawn(function()
    local results = table.pack(xpcall(chunk, function(e)
      return traced(e, text)
    end))
    if not results[1] then
      error(results[2], 0)
    elseif results.n > 1 then
      output(table.unpack(results, 2, results.n))
    end
  end)
  repeat
    local ok, e = pcall(task.wait, task)
    if not ok and ends(e) then
      error(e, 0)
    elseif not ok and task:status() == "running" then
      task:cancel()
    elseif not ok then
      io.stderr:write(terminal.prompts() and show.value(e, columns()) or core.printable(tostring(e), "keep"), "\n")
    end
  until task:status() ~= "running"
  pcall(core.sleep, 0) -- the Ctrl-C that stopped a computation has cancelled us as well
end

-- After `local x = 1` alone there is no x in the next line.
local function lost_local(text)
  local name = text:match("^%s*local%s+([%a_][%w_]*)%s*=") or text:match("^%s*local%s+function%s+([%a_][%w_]*)")
  local _, count = text:gsub("%f[%w_]" .. (name or "local") .. "%f[^%w_]", "")
  return count == 1 and name or nil
end

-- A text of the prompt's own, or Lua; whether there is more to come of it.
local function take(text, output, remember)
  local answer = typed.answer(text, terminal.prompts() and columns() or 80)
  if answer then
    remember(text)
    print(answer)
    return false
  end
  local chunk, more, message = compile(text)
  if more then
    return true
  end
  local over <close> = setmetatable({}, { __close = function() -- luacheck: ignore over
    remember(text) -- then the secrets in it are known
  end })
  if chunk then
    perform(chunk, output, text)
    local command = text:find("^%s*%l[%l-]*%s*$") and globals[text:match("%l+")] == nil and typed.virsh(text)
    if command then
      print(("  hint: this is Lua; the same as %s"):format(command))
    end
    local name = terminal.prompts() and lost_local(text)
    if name then
      print(("(%s was local to what was typed and is gone; without `local` it stays)"):format(name))
    end
  else
    local command = typed.virsh(text)
    io.stderr:write(core.printable(message), "\n", command and ("  hint: this is Lua; the same as %s\n"):format(command) or "")
  end
  return false
end

local pending -- what was typed of a chunk that goes on

-- Reads with next_line(continues) what makes a chunk, and runs it; until there is no more line. remember gets each text.
local function loop(next_line, output, remember)
  local text
  while true do
    pending = text
    local ok, line = pcall(next_line, text ~= nil)
    if not ok and ends(line) then
      error(line, 0)
    elseif not ok then
      if not is(line, "interrupted") then
        error(line, 0)
      end
      text = nil
    elseif not line or not text and typed.leaves(line) then
      return
    else
      text = text and text .. "\n" .. line or line
      text = take(text, output, remember) and text or nil
    end
  end
end

-- With --connect there is `host` from the start, unless a script made one; if it cannot be opened, the prompt is there all the same.
local function open_host(settings, output)
  if settings.connect and globals.host == nil then
    perform(load("host = guestlua.open()", "=stdin"), output)
    return globals.host
  end
end

local function plain(settings)
  local asks = guestlua.isatty(io.stdin)
  open_globals()
  open_host(settings, print)
  loop(function(continues)
    if asks then
      io.stdout:write(continues and ">> " or "> "):flush()
    end
    local line, problem = io.read("l")
    if problem then -- a signal broke it off: raised here
      guestlua.sleep(0)
    end
    return line
  end, print, function() end)
end

local function with_readline(settings)
  local guard <close> = setmetatable({}, { __close = terminal.close })
  screen.above(terminal.above)
  open_globals()
  globals.guestlua.spawn = reporting(guestlua.spawn)
  local path = history_path()
  if path then
    terminal.history(path)
  end
  if not settings.quiet then
    local v = guestlua.version
    print(("guestlua %s, Lua %s, libvirt %s. help() helps, quit or Ctrl-D leaves."):format(v.guestlua, v.lua, v.libvirt))
  end
  local host = open_host(settings, present)
  if host and not settings.quiet then
    print(("host is %s"):format(core.printable(tostring(host))))
  end
  loop(function(continues)
    screen.leave()
    return terminal.read(continues and (globals._PROMPT2 or ">> ") or (globals._PROMPT or "> "))
  end, present, function(text)
    if text:find("%S") then
      terminal.remember(text, core.mask(text) == text)
    end
  end)
end

return function(settings)
  local complete = require("guestlua.prompt.complete")
  if terminal.open(function(line, start) return complete(line, start, pending) end) then
    with_readline(settings)
  else
    plain(settings)
  end
end
