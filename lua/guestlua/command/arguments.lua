-- What follows a word like "recover" on the command line: options in rows, which are read, checked and printed here.
--
--   word, help, codes    "recover", what it does, and what its exit codes say
--   operands, least, most    the name that operands have in the usage, and how many there may be; without a name: none
--   options    a list of rows: name, help; argument: the name of what must follow; integer or number: what that has to be; most: no number
--              above that; choices: the only ones there are; list: words with commas between them, each time that it is given more of them

local core = require("guestlua.core")
local number_of = require("guestlua.command.number")
local retry = require("guestlua.workflow.retry")
local spelling = require("guestlua.base.spelling")

local arguments = { DONE = 0, FAILED = 1, USAGE = 2 }

local CONNECT = { name = "connect", argument = "URI", help = "the connection, as guestlua -c" }
local HELP = { name = "help", help = "print this list" }

function arguments.complain(spec, ...)
  io.stderr:write("guestlua ", spec.word, ": ", core.printable(string.format(...)), "\nTry 'guestlua ", spec.word, " --help'.\n")
end

-- What went wrong, in a line, and how to go on.
function arguments.report(spec, what, e)
  local text = core.Error.is(e) and e.message or tostring(e)
  local parts = { ("guestlua %s: %s%s"):format(spec.word, core.printable(what), core.printable(text)) }
  for _, key in ipairs({ "outcome", "hint" }) do
    if core.Error.is(e) and e[key] then
      parts[#parts + 1] = ("  %s: %s"):format(key, core.printable(e[key]))
    end
  end
  io.stderr:write(table.concat(parts, "\n"), "\n")
end

-- Options that are paths, as the shell means them: from the directory that it works in. A URI is left as it is.
function arguments.make_absolute(given, ...)
  for _, name in ipairs({ ... }) do
    local path = given[name]
    given[name] = path and path ~= "" and not path:find("^[%w+.-]+://") and core.absolute(path) or path
  end
end

-- The exit code that an error means.
function arguments.code_of(e)
  local called_wrongly = core.Error.is(e, "bad_argument") and e.op ~= "journal" -- where that is, is up to the environment
  return called_wrongly and arguments.USAGE or arguments.FAILED
end

-- All options of a command.
function arguments.rows_of(spec)
  local rows = table.move(spec.options, 1, #spec.options, 1, {})
  table.move({ CONNECT, HELP }, 1, 2, #rows + 1, rows)
  return rows
end

-- An option's value; or nil and what is wrong with it.
local function value_of(row, text, before)
  if row.integer or row.number then
    local number, why = number_of(row, text)
    return number, why and ("--%s: %s"):format(row.name, why)
  elseif row.choices and not (" " .. table.concat(row.choices, " ") .. " "):find(" " .. text .. " ", 1, true) then
    return nil, ("--%s: '%s' is none of: %s"):format(row.name, text, table.concat(row.choices, ", "))
  elseif row.list then
    local list = before or {}
    for word in text:gmatch("[^,]+") do
      list[#list + 1] = word
    end
    return list
  end
  return text
end

-- What is wrong with an option that there is not.
local function unknown(by_name, name)
  local names = {}
  for known in pairs(by_name) do
    names[#names + 1] = known
  end
  table.sort(names)
  local near = spelling.nearest(name, names)
  return name .. " is no option" .. (near and ("; is %s meant?"):format(near) or "")
end

-- Reads words[i], an option, into `given`; returns how many words that took, or nil and what is wrong.
local function read_option(by_name, given, words, i)
  local name, text = words[i]:match("^(%-%-[^=]+)=(.*)$")
  local row, took = by_name[name or words[i]], 1
  if not row then
    return nil, unknown(by_name, name or words[i])
  elseif row.argument and not text then
    text, took = words[i + 1], 2
  end
  if row.argument and not text then
    return nil, ("--%s needs %s"):format(row.name, row.argument)
  elseif text and not row.argument then
    return nil, ("--%s takes no argument"):format(row.name)
  end
  local value, problem = true, nil
  if row.argument then
    value, problem = value_of(row, text, given[row.name])
  end
  given[row.name] = value
  return not problem and took or nil, problem
end

local function problem_of(spec, operands)
  for _, operand in ipairs(operands) do
    if operand == "" then -- of a shell's variable without a value: as a path it would be the current directory
      return "an operand is empty"
    end
  end
  if #operands > 0 and not spec.operands then
    return operands[1] .. " is no option, and nothing else is expected"
  elseif spec.most and #operands > spec.most then
    return "too many operands: " .. operands[spec.most + 1]
  end
end

-- The options that were given, by name, and the operands; nil if they are wrong, which has been said then.
function arguments.read(spec, ...)
  local by_name, given, operands, words, i = {}, {}, {}, { ... }, 1
  for _, row in ipairs(arguments.rows_of(spec)) do
    by_name["--" .. row.name] = row
  end
  by_name["-c"], by_name["-h"] = by_name["--connect"], by_name["--help"]
  while words[i] do
    local took, problem = 1, nil
    if words[i] == "--" then
      table.move(words, i + 1, #words, #operands + 1, operands)
      break
    elseif words[i]:sub(1, 1) == "-" and words[i] ~= "-" then
      took, problem = read_option(by_name, given, words, i)
    else
      operands[#operands + 1] = words[i]
    end
    if problem then
      return arguments.complain(spec, "%s", problem)
    end
    i = i + took
  end
  local problem = problem_of(spec, operands)
  if problem then
    return arguments.complain(spec, "%s", problem)
  elseif not given.help and #operands < (spec.least or 0) and not (spec.instead and given[spec.instead]) then
    return arguments.complain(spec, "%s expected", spec.operands)
  end
  return given, operands
end

function arguments.print_help(spec)
  print(("usage: guestlua [OPTION]... %s [OPTION]...%s"):format(spec.word, spec.operands and " " .. spec.operands or ""))
  print(spec.help)
  local width, forms, rows = 22, {}, arguments.rows_of(spec)
  for i, row in ipairs(rows) do
    forms[i] = "--" .. row.name .. (row.argument and "=" .. row.argument or "")
    width = math.max(width, #forms[i])
  end
  for i, row in ipairs(rows) do
    print(("  %-" .. width .. "s %s"):format(forms[i], row.help))
  end
  print("Exit code: " .. spec.codes)
end

-- The whole of a subcommand: reads what was given, and calls fn(given, operands), which gives the exit code.
function arguments.main(spec, fn, ...)
  local given, operands = arguments.read(spec, ...)
  if not given then
    return arguments.USAGE
  elseif given.help then
    arguments.print_help(spec)
    return arguments.DONE
  end
  local ok, result = pcall(fn, given, operands)
  if not ok and (retry.stops(result) or not core.Error.is(result)) then
    error(result, 0)
  elseif not ok then
    arguments.report(spec, "", result)
    return arguments.code_of(result)
  end
  return result
end

return arguments
