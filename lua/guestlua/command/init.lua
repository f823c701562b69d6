-- What the guestlua command does once main.c has read argv.

local core = require("guestlua.core")
local guestlua = require("guestlua")
local spelling = require("guestlua.base.spelling")

local command = {}

-- ms that a task may compute while others wait.
local SLICE = 2

local USAGE = 2 -- the exit code of what is called wrongly

-- The name that a message calls an option by, and that its value has in the settings.
local function spelled(row)
  return row.long and "--" .. row.long or "-" .. row.short
end

local function key_of(row)
  return (row.long or row.same_as or row.short):gsub("-", "_")
end

local function has(list, value)
  for _, one in ipairs(list) do
    if one == value then
      return true
    end
  end
  return false
end

-- The settings that a list of {row of guestlua.options, argument} makes; or nil and what is wrong with it.
function command.read(given)
  local settings = { steps = {} }
  for _, pair in ipairs(given) do
    local row, value = pair[1], pair[2]
    if row.choices and not has(row.choices, value) then
      return nil, ("%s: '%s' is none of: %s"):format(spelled(row), value, table.concat(row.choices, ", "))
    elseif row.integer then
      local number, why = require("guestlua.command.number")(row, value)
      if not number then
        return nil, ("%s: %s"):format(spelled(row), why)
      end
      value = number
    end
    if row.repeatable then
      table.insert(settings.steps, { row.short, value })
    else
      settings[key_of(row)] = value == nil or value
    end
  end
  if settings.process and (#settings.steps > 0 or settings.interactive) then
    return nil, "--process runs a script, and nothing else"
  end
  return settings
end

-- An option as --help shows it: -c, --connect=URI
local function form_of(row, also)
  local letters = { also and "-" .. also, row.short and "-" .. row.short, row.long and "--" .. row.long }
  local forms = {}
  for i = 1, 3 do
    forms[#forms + 1] = letters[i]
  end
  local argument = row.argument and (row.long and "=" or " ") .. row.argument or ""
  return table.concat(forms, ", ") .. argument .. (row.operands and " " .. row.operands or "")
end

-- --help: at most a screen.
local function print_help()
  local lines, also, rare, commands, options = {}, {}, {}, {}, require("guestlua.command.options")
  for _, row in ipairs(options) do
    if row.same_as then
      also[row.same_as] = row.short
    end
  end
  for _, row in ipairs(options) do
    if row.rare then
      rare[#rare + 1] = row.long and "--" .. row.long or "-" .. row.short
    elseif row.word then
      commands[#commands + 1] = row.word:match("^%a+$")
    elseif not row.same_as then
      lines[#lines + 1] = ("  %-24s  %s"):format((row.short and "" or "    ") .. form_of(row, also[row.short]), row.help)
    end
  end
  print("usage: guestlua [OPTION]... [--] [SCRIPT | - [ARGUMENT]...]")
  print(table.concat(lines, "\n"))
  print("guestlua(1) has these too: " .. table.concat(rare, ", "))
  print("commands: " .. table.concat(commands, " "))
end

local function print_versions()
  local v = guestlua.version
  print(("guestlua %s (Lua %s, libvirt %s, compiled with %s, libxml2 %s, libuv %s)"):format(v.guestlua, v.lua, v.libvirt, v.libvirt_compiled,
    v.libxml2, v.libuv))
  local here = { "the prompt (readline)" }
  table.insert(here, core.nbd_copy and "backups (libnbd)" or nil)
  print("with: " .. table.concat(here, ", ") .. (core.nbd_copy and "" or "; without: backups but in push mode (they need libnbd when it is built)"))
end

-- The chunk, or an error without a traceback: it would only show us.
local function compiled(chunk, message)
  return chunk or error(message, 0)
end

local step = {
  e = function(text)
    compiled(load(text, "=(command line)"))()
  end,
  l = function(text)
    local name, module = text:match("^([^=]*)=(.*)$") -- -l g=mod
    local into = load("local name, module = ... _G[name] = require(module)", "=(command line)") -- a sandbox has a require of its own
    into(name or text:match("^[^.]*"), module or text)
  end,
}

-- LUA_INIT: a statement, or @ and the name of a file.
local function run_init()
  for _, name in ipairs({ "LUA_INIT_5_4", "LUA_INIT" }) do
    local text = os.getenv(name)
    if text then
      return compiled(text:sub(1, 1) == "@" and loadfile(text:sub(2)) or load(text, "=" .. name))()
    end
  end
end

-- virsh's numbers.
local levels = { ["0"] = "trace", ["1"] = "debug", ["2"] = "info", ["3"] = "warning", ["4"] = "error" }

local mode -- of scripts: in a sandbox they are text, as bytecode can be made to crash Lua

-- Whether a file that an option names can be written; says why not.
local function begun(fn, ...)
  local ok, problem = pcall(fn, ...)
  if not ok and not guestlua.Error.is(problem) then
    error(problem, 0)
  elseif not ok then
    io.stderr:write("guestlua: ", core.printable(problem.message), problem.hint and "\n  hint: " .. problem.hint or "", "\n")
  end
  return ok
end

-- Returns whether it can be as the settings say.
local function configure(settings)
  guestlua.default_uri = settings.connect
  guestlua.default_readonly = settings.readonly or settings.sandbox or settings.process
  guestlua.default_keepalive = settings.keepalive_interval
  require("guestlua.host.open").asks = true
  core.slice(settings.slice or SLICE)
  local log = { level = settings.log_level or levels[settings.debug], format = settings.log_format, file = settings.log_file }
  if next(log) and not begun(guestlua.log.configure, log) then
    return false
  end
  if settings.quiet then
    guestlua.Progress.configure({ quiet = true })
  end
  if settings.dry_run then
    guestlua.dry_run(true)
  end
  if settings.process then -- the script's limits are those of its process
    require("guestlua.sandbox").configure({ sandbox = true })
  elseif settings.sandbox or settings.max_memory or settings.max_instructions then
    local arguments = arg
    mode = settings.sandbox and "t"
    require("guestlua.sandbox").configure({
      sandbox = settings.sandbox,
      max_memory = settings.max_memory,
      max_instructions = settings.max_instructions,
    })
    load("arg = ...")(arguments)
  end
  return true
end

-- Words in the place of a script, and the modules that they are in; ./backup is a script all the same.
local SUBCOMMANDS = { recover = "recover", backup = "backup", restore = "backup", backups = "backups", verify = "backups", prune = "backups",
  metrics = "metrics", top = "top", console = "console" }

-- guestlua help WORDS: what a command's --help says, or the page that the prompt has for them.
local function print_topic(...)
  local word = ...
  if not word then
    return print_help()
  elseif SUBCOMMANDS[word] and select("#", ...) == 1 then
    return require("guestlua.command." .. SUBCOMMANDS[word])(word, "--help")
  end
  local words = table.concat({ ... }, " ")
  local page, found = require("guestlua.prompt.typed").help(words, 80)
  print(found and page or core.printable((page:gsub("help%(%) says what there is", "guestlua help lists options and commands"))))
  return not found and 1 or nil
end

-- What a word that names no file may have been meant as: a command of guestlua's, or one of virsh's; nil if that is unknown.
local function meant_by(word)
  local words = { "help" }
  for name in pairs(SUBCOMMANDS) do
    words[#words + 1] = name
  end
  table.sort(words)
  local near = spelling.nearest(word, words, true)
  if near then
    return ("is the command %s meant?"):format(near)
  end
  return require("guestlua.prompt.examples").command(word) and ("guestlua help %s says what does the same as virsh's %s"):format(word, word)
end

-- What a dry run has come to, however the script ended: for people, on standard error, as what it prints is the script's own.
local function print_plan()
  io.stderr:write(require("guestlua.log.plan").text(), "\n")
end

-- The handlers of a script that has ended are not called any more: a warning says so.
local function report_handlers()
  if guestlua.alive().subscriptions == 0 then
    return
  end
  local count = require("guestlua.host.event").handlers()
  if count > 0 then
    guestlua.log.warning(("the script has ended, and with it %d handler(s) of events; guestlua.serve() at its end stays for them"):format(count))
  end
end

-- The script on standard input. loadfile would read on after a signal.
local function load_input()
  local text, problem = io.read("a")
  if not text then
    guestlua.sleep(0) -- the signal is raised here
    return nil, "cannot read stdin: " .. problem
  end
  text = text:gsub("^\xEF\xBB\xBF", ""):gsub("^#[^\n]*", "")
  return load(text, "=stdin", mode)
end

local function run_script(path, ...)
  local chunk, message = (path == "-" and load_input or loadfile)(path, mode)
  local meant = not chunk and path:find("^[%l-]+$") and message:find("^cannot open") and meant_by(path)
  local results = table.pack(compiled(chunk, meant and ("%s\n  hint: %s"):format(message, meant) or message)(...))
  report_handlers()
  return table.unpack(results, 1, results.n)
end

local SIGPIPE = 13

-- With --process.
local function run_in_process(settings, path, ...)
  local file = path == "-" and io.stdin or compiled(io.open(path))
  local text = file:read("a")
  file:close()
  local results = table.pack(pcall(require("guestlua.sandbox.process").run, {
    seconds = settings.max_seconds,
    memory = settings.max_memory and math.min(settings.max_memory, 1 << 30) << 20, -- MiB
    instructions = settings.max_instructions,
    quiet = settings.quiet,
    level = settings.log_level or levels[settings.debug],
  }, text, path == "-" and "=stdin" or "@" .. path, ...))
  local e = results[2]
  if results[1] then
    return nil, table.unpack(results, 2, results.n)
  elseif guestlua.Error.is(e, "script_ended") and e.signal == SIGPIPE then -- as if it had been this process
    return 128 + SIGPIPE
  end
  error(e, 0)
end

-- Everything that was asked for. Returns the exit code, nil for 0, and what the script returned.
local function perform(settings, script, ...)
  if settings.version or settings.V then
    print_versions()
  end
  if settings.status_key then
    require("guestlua.terminal").status_key()
  end
  if settings.process then
    return run_in_process(settings, script or "-", ...)
  elseif not settings.E then
    run_init()
  end
  for _, s in ipairs(settings.steps) do
    step[s[1]](s[2])
  end
  if SUBCOMMANDS[script] then
    return require("guestlua.command." .. SUBCOMMANDS[script])(script, ...)
  end
  if script == "help" then
    return print_topic(...)
  end
  local nothing_else = not settings.version and not settings.V and #settings.steps == 0
  local results = script and table.pack(run_script(script, ...)) or { n = 0 }
  if settings.interactive or not script and nothing_else and guestlua.isatty(io.stdin) then
    return require("guestlua.prompt.repl")(settings)
  elseif not script and nothing_else then
    results = table.pack(run_script("-"))
  end
  return nil, table.unpack(results, 1, results.n)
end

-- With --result: says what came of it, however it ends.
local function recorded(settings, ...)
  local result = require("guestlua.command.result")
  if not begun(result.begin, settings.result) then
    return USAGE
  end
  local guard <close> = setmetatable({}, { -- luacheck: ignore guard
    __close = function(_, e)
      if e ~= nil then
        result.finish({ ok = false, error = e })
      end
    end,
  })
  local results = table.pack(perform(settings, ...))
  local values = {}
  for i = 2, results.n do
    values[i - 1] = { results[i] }
  end
  result.finish({ ok = (results[1] or 0) == 0, exit_code = results[1] or 0, results = values })
  return results[1]
end

-- Runs as a task. Returns the exit code, nil for 0.
function command.run(settings, script, ...)
  if settings.help then
    return print_help()
  elseif settings.check then
    return require("guestlua.command.check").main(script, ...)
  end
  if not configure(settings) then
    return USAGE
  end
  table.insert(package.searchers, 2, (require("guestlua.command.luv")))
  if settings.W then
    warn("@on")
  end
  local planned <close> = settings.dry_run and setmetatable({}, { __close = print_plan }) or nil -- luacheck: ignore planned
  local code = (settings.result and recorded or perform)(settings, script, ...)
  return code
end

return command
