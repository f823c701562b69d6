-- What helps if Lua says "attempt to index a nil value" of what a lookup should have found: a guest with a misspelt name, for example.

local help = require("guestlua.prompt.help")

-- The names of the methods that give nil for what is not there, and whether they can raise an error instead.
local function lookups()
  local names = {}
  for _, class in ipairs(help.classes()) do
    for _, row in ipairs(class.methods) do
      if not row.dotted and row.result and row.result[1]:find("^%u%w+%?$") then
        local required = false
        for _, param in ipairs(row.params) do
          required = required or param.name == "required"
        end
        names[row.name] = names[row.name] or { class = class.name:lower(), required = required }
      end
    end
  end
  return names
end

local function line_of(text, number)
  for line in (text .. "\n"):gmatch("(.-)\r?\n") do
    number = number - 1
    if number == 0 then
      return line
    end
  end
  return ""
end

local function read(path)
  local file <close> = io.open(path)
  return file and file:read("a")
end

-- The command's own arguments, in one line: -e's statements are among them.
local function typed()
  local words, first = {}, 0
  while arg and arg[first - 1] do
    first = first - 1
  end
  for i = first, arg and #arg or -1 do
    words[#words + 1] = arg[i]
  end
  return (table.concat(words, " "):gsub("\n", " "))
end

-- The line of a hint for what Lua has said, or nil. source: the text that ran, if it is in no file.
return function(message, source)
  local path, number, what = message:match("^([^\n]-):(%d+): attempt to index a nil value([^\n]*)")
  if what == " (global 'host')" then
    return "  hint: only the prompt has a host, with -c; a script opens it: local host <close> = guestlua.open()"
  elseif path == "(command line)" then
    source, number = typed(), 1
  end
  local text = path and (source or read(path))
  if not text then
    return nil
  end
  local line, variable = line_of(text, tonumber(number)), what:match("'([%a_][%w_]*)'")
  if variable then -- where it was given its value last before that
    local before = {}
    for i = 1, tonumber(number) do
      before[i] = line_of(text, i)
    end
    line = table.concat(before, "\n"):match(".*%f[%w_]" .. variable .. "%f[^%w_]%s*<?%a*>?%s*=([^\n]*)") or ""
  end
  local all, named, required = lookups(), {}, true
  for name, given in line:gmatch(":([%a_][%w_]*)(%b())") do
    local lookup = all[name]
    if lookup and not given:find("required", 1, true) then
      named[#named + 1] = ("%s:%s"):format(lookup.class, name)
      required = required and lookup.required
    end
  end
  return #named > 0 and ("  hint: %s give%s nil for what is not there%s"):format(table.concat(named, " and "), #named == 1 and "s" or "",
    required and "; with { required = true } it raises an error that names it" or "") or nil
end
