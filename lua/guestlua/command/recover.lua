-- guestlua recover: what killed runs left, from the command line.

local core = require("guestlua.core")
local guestlua = require("guestlua")
local journal = require("guestlua.base.journal")
local recover = require("guestlua.workflow.recover")
local retry = require("guestlua.workflow.retry")

local NOTHING_LEFT, SOMETHING_LEFT, USAGE = 0, 1, 2

-- The options: a row each, for reading and for --help.
local OPTIONS = {
  { name = "list", help = "print what the journal has, and change nothing" },
  { name = "guest", argument = "GUEST", help = "only this guest, by its name or UUID" },
  { name = "forget", argument = "ID", help = "remove that entry from the journal, and do nothing else" },
  { name = "adopt", help = "also what cannot be seen from here, as of another machine: only if it is over for good" },
  { name = "journal", argument = "DIR", help = "the directory of the journal" },
  { name = "connect", argument = "URI", help = "the connection, as guestlua -c" },
  { name = "help", help = "print this list" },
}

local function complain(...)
  io.stderr:write("guestlua recover: ", core.printable(string.format(...)), "\nTry 'guestlua recover --help'.\n")
end

-- What went wrong, in a line, and how to go on.
local function report(what, e)
  io.stderr:write(("guestlua recover: %s%s%s\n"):format(what, core.printable(core.Error.is(e) and e.message or tostring(e)),
    core.Error.is(e) and e.hint and "\n  hint: " .. core.printable(e.hint) or ""))
end

-- The options given; nil if they are wrong, which has been said then.
local function read(...)
  local by_name, given, arguments, i = {}, {}, { ... }, 1
  for _, option in ipairs(OPTIONS) do
    by_name["--" .. option.name] = option
  end
  by_name["-c"], by_name["-h"] = by_name["--connect"], by_name["--help"]
  while arguments[i] do
    local name, value = arguments[i]:match("^(%-%-[^=]+)=(.*)$")
    local option = by_name[name or arguments[i]]
    if not option then
      return complain("%s is no option", arguments[i])
    elseif option.argument and not value then
      i = i + 1
      value = arguments[i]
    end
    if option.argument and not value then
      return complain("--%s needs %s", option.name, option.argument)
    elseif value and not option.argument then
      return complain("--%s takes no argument", option.name)
    end
    given[option.name], i = value or true, i + 1
  end
  return given
end

local function print_help()
  print("usage: guestlua [OPTION]... recover [OPTION]...")
  print("Finishes or takes back what killed runs of workflows left on the guests of a host.")
  for _, option in ipairs(OPTIONS) do
    local form = "--" .. option.name .. (option.argument and "=" .. option.argument or "")
    print(("  %-18s %s"):format(form, option.help))
  end
  print("Exit code: 0, nothing is left; 1, something is; 2, wrong usage.")
end

local function print_list(guest)
  local left = false
  for _, row in ipairs(recover.list()) do
    if not guest or row.guest == guest or row.uuid == guest or row.state == "unreadable" then
      left = left or row.state ~= "alive"
      local words = table.concat({ row.workflow or "?", row.guest or "?", row.step or "?", row.since or "?" }, " ")
      print(core.printable(("%s  %s  %s%s"):format(row.id, row.state, words, row.why and ": " .. row.why or "")))
    end
  end
  return left and SOMETHING_LEFT or NOTHING_LEFT
end

local function forget(id)
  for _, row in ipairs(recover.list()) do
    if row.id == id and row.state == "alive" then
      complain("%s goes on", id)
      return SOMETHING_LEFT
    elseif row.id == id then
      journal.forget(id)
      return NOTHING_LEFT
    end
  end
  complain("the journal has no entry %s", id)
  return SOMETHING_LEFT
end

local function print_result(result)
  local what = ("%s %s"):format(result.workflow or "?", result.guest or "?")
  if result.outcome then
    print(core.printable(("%s: %s"):format(what, result.outcome)))
  else
    report(core.printable(("%s (%s): "):format(what, result.id)), result.problem or result.error)
  end
  return result.outcome == nil
end

local function recover_all(options)
  local host <close> = guestlua.open(options.connect)
  local ok, results = pcall(guestlua.recover, host, { guest = options.guest, adopt = options.adopt })
  if not ok and not results.results then
    error(results, 0)
  end
  local left = false
  for _, result in ipairs(ok and results or results.results) do
    left = print_result(result) or left
  end
  return left and SOMETHING_LEFT or NOTHING_LEFT
end

local function do_as_told(options)
  if options.journal then
    guestlua.journal({ dir = options.journal })
  end
  if options.list then
    return print_list(options.guest)
  elseif options.forget then
    return forget(options.forget)
  end
  return recover_all(options)
end

return function(...)
  local options = read(...)
  if not options then
    return USAGE
  elseif options.help then
    print_help()
    return NOTHING_LEFT
  end
  local ok, result = pcall(do_as_told, options)
  if not ok and (retry.stops(result) or not core.Error.is(result)) then
    error(result, 0)
  elseif not ok then
    report("", result)
  end
  return ok and result or SOMETHING_LEFT
end
