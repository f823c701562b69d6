-- What help() prints: the page of a class, a function, a field or a section of the manual, or what a search finds.

local examples = require("guestlua.prompt.examples")
local help = require("guestlua.prompt.help")
local links = require("guestlua.prompt.links")

local ALSO, MOST = 6, 40 -- lines of what a search finds, below a page and alone

local pages = {}

local function wrapped(text, indent, columns)
  local lines, line = {}, indent
  for word in text:gmatch("%S+") do
    if #line + #word + 1 > columns and line ~= indent then
      lines[#lines + 1] = line
      line = indent .. (indent ~= "" and "  " or "")
    end
    line = line .. (line:find("%S") and " " or "") .. word
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n")
end

local function add_params(lines, row, positional, title, columns)
  for _, p in ipairs(row.params) do
    if (p.positional or false) == positional then
      if title then
        lines[#lines + 1] = title
        title = nil
      end
      local optional = positional and not p.required and ", or nil" or ""
      lines[#lines + 1] = wrapped(("%s (%s%s): %s"):format(p.name, p.type, optional, p.help), "  ", columns)
      if p.choices and #p.choices < 50 then
        lines[#lines + 1] = wrapped(table.concat(p.choices, ", "), "    ", columns)
      end
    end
  end
end

local function row_text(class, row, columns)
  local lines = { (row.dotted and "" or class.name) .. help.signature(class, row), wrapped(row.help, "", columns) }
  add_params(lines, row, true, "Arguments:", columns)
  add_params(lines, row, false, "Options:", columns)
  if row.fields then
    lines[#lines + 1] = ("Returns %s:"):format(help.table_of(row))
    for _, field in ipairs(row.fields) do
      lines[#lines + 1] = wrapped(("%s (%s): %s"):format(field.name, help.type(field.type), field.help), "  ", columns)
    end
  elseif help.result(row) then
    lines[#lines + 1] = wrapped("Returns " .. help.result(row) .. ".", "", columns)
  end
  local example, command = examples.of(class, row)
  if example then
    local title = command and "As virsh's " .. command or "For example"
    lines[#lines + 1] = ("%s:\n  %s"):format(title, (example:gsub("\n", "\n  "))) -- as it can be copied
  end
  if row.call then
    lines[#lines + 1] = "libvirt: " .. (links.of(row.call) or row.call)
  end
  return table.concat(lines, "\n")
end

-- As many names as fit on each line.
local function names_of(rows, columns)
  local names = {}
  for i, row in ipairs(rows) do
    names[i] = row.name .. (i < #rows and "," or "")
  end
  return wrapped(table.concat(names, " "), "  ", columns)
end

local function class_text(class, columns)
  local lines = { class.name, wrapped(class.help, "", columns) }
  if #class.fields > 0 then
    lines[#lines + 1] = "Fields:\n" .. names_of(class.fields, columns)
  end
  lines[#lines + 1] = (class.name == "guestlua" and "Functions:\n" or "Methods:\n") .. names_of(class.methods, columns)
  if class.inherits then
    lines[#lines + 1] = ("And those of %s, libvirt's own: help(%s)"):format(class.inherits, class.inherits)
  end
  return table.concat(lines, "\n")
end

local function field_text(class, field, columns)
  return ("%s.%s\n%s"):format(class.name, field.name, wrapped(("%s (%s)"):format(field.help, help.result(field)), "", columns))
end

-- What does the same as a command of virsh.
local function command_text(row, columns)
  local lines = { "virsh " .. row[1] }
  if row.none then
    lines[2] = wrapped("Nothing does the same: " .. row.none:gsub("`", ""), "", columns)
  end
  return table.concat(table.move(row, 2, #row, #lines + 1, lines), "\n  ")
end

-- How the names of libvirt's functions begin, in lower case.
local PREFIXES = {}
for class in ("Connect Domain DomainSnapshot DomainCheckpoint Network NetworkPort StoragePool StorageVol NodeDevice Node Secret Interface NWFilter "
  .. "NWFilterBinding Stream"):gmatch("%a+") do
  PREFIXES["vir" .. class:lower()] = true
end

-- Whether a name is that of the libvirt function in C, as "virDomainSetVcpusFlags", or in other languages, as "setVcpusFlags".
local function is_call(topic, call)
  if not call or not topic:find("%l%u") then
    return false
  end
  call, topic = call:lower(), topic:lower()
  return call == topic or call:sub(-#topic) == topic and PREFIXES[call:sub(1, -#topic - 1)] or false
end

-- "Guest", "Guest.launch", "guest:launch", "launch", "Block jobs", "setvcpus", "virDomainCreate": what is called exactly so.
local function named(topic, columns)
  local found = {}
  local owner, name = topic:match("^([%w_]+)[.:]([%w_]+)$")
  for _, class in ipairs(help.classes()) do
    if class.name:lower() == topic:lower() then
      found[#found + 1] = class_text(class, columns)
    end
    for _, field in ipairs(class.fields) do
      if topic == field.name or name == field.name and owner:lower() == class.name:lower() then
        found[#found + 1] = field_text(class, field, columns)
      end
    end
    for _, row in ipairs(class.methods) do
      if topic == row.name or name == row.name and owner:lower() == class.name:lower() or is_call(topic, row.call) then
        found[#found + 1] = row_text(class, row, columns)
      end
    end
    local inherited = class.inherits and name and owner:lower() == class.name:lower() and not found[1] and help.member(class, name)
    if inherited then
      found[#found + 1] = row_text(help.classes()[class.inherits], inherited, columns)
    end
  end
  local command = examples.command((topic:gsub("^virsh ", "")))
  if command then
    found[#found + 1] = command_text(command, columns)
  end
  for _, section in ipairs(help.manual()) do
    if section.title:lower() == topic:lower() then
      found[#found + 1] = section.title .. "\n\n" .. section.text:gsub("([ ]*)([^\n]+)", function(indent, line)
        return wrapped(line, indent, columns)
      end)
    end
  end
  return found
end

-- How well a text has the words: 0 if one of them is missing, more if they are in the name.
local function score(name, text, words)
  local sum = 1
  name, text = name:lower(), text:lower()
  for _, word in ipairs(words) do
    local stem = #word > 4 and word:gsub("s$", "") or word -- "snapshots" finds a snapshot
    if name:find(stem, 1, true) then
      sum = sum + 10
    elseif not text:find(stem, 1, true) then
      return 0
    end
  end
  return sum
end

-- Where all words of the topic occur, a line each, the best first: those that are `without` the one that is called so.
local function search(topic, columns, without)
  local words, found = {}, {}
  for word in topic:lower():gmatch("[%w_]+") do
    words[#words + 1] = word
  end
  local function add(name, title, text)
    local points = #words > 0 and name ~= without and score(name, text, words) or 0
    if points > 0 then
      local sentence = text:match("^.-%.%f[%s\0]") or text
      local line = ("  %s: %s"):format(title, sentence:gsub("%s+", " "))
      found[#found + 1] = { points = points, at = #found, text = #line <= columns and line or line:sub(1, columns - 3) .. "..." }
    end
  end
  for _, section in ipairs(help.manual()) do
    add(section.title, ("\"%s\""):format(section.title), section.text)
  end
  for _, class in ipairs(help.classes()) do
    for _, row in ipairs(class.methods) do
      local params = { row.help }
      for _, p in ipairs(row.params) do
        params[#params + 1] = p.name .. " " .. p.help
      end
      add(row.name, class.name .. (row.dotted and "." or ":") .. row.name, table.concat(params, " "))
    end
  end
  table.sort(found, function(a, b)
    return a.points > b.points or a.points == b.points and a.at < b.at
  end)
  return found
end

local function lines_of(found, most)
  local lines = {}
  for i = 1, math.min(#found, most) do
    lines[i] = found[i].text
  end
  if #found > most then
    lines[#lines + 1] = ("  and %d more: help with one more word finds fewer"):format(#found - most)
  end
  return table.concat(lines, "\n")
end

local function overview(columns)
  local titles = {}
  for i, section in ipairs(help.manual()) do
    titles[i] = { name = ("\"%s\""):format(section.title) }
  end
  return table.concat({
    "help(guest), help(guest.launch)   what a value is, and what it can",
    "help \"launch\", ?block jobs         what has that name, or speaks of it",
    "help \"setvcpus\"                   what does the same as that command of virsh",
    "watch(host), unwatch()            prints events; stops that",
    ".history words                    what was typed before and has those words",
    "quit, exit, Ctrl-D                leave",
    "The classes:\n" .. names_of(help.classes(), columns),
    "The manual:\n" .. names_of(titles, columns),
  }, "\n")
end

-- What there is to say of a topic: nothing, a value of guestlua's, or words. nil: nothing.
function pages.find(topic, columns)
  columns = columns or 80
  if topic == nil then
    return overview(columns)
  elseif type(topic) ~= "string" then
    local class, row = help.row_of(topic)
    class = class or help.class_in(topic) or help.class_of(topic)
    return class and (row and row_text(class, row, columns) or class_text(class, columns))
  end
  local found = named(topic, columns)
  if #found > 0 then
    local more = topic:find("[.:]") and {} or search(topic, columns, topic)
    return table.concat(found, "\n\n") .. (#more > 0 and "\n\nSee also:\n" .. lines_of(more, ALSO) or "")
  end
  found = search(topic, columns)
  return #found > 0 and lines_of(found, MOST) or nil
end

function pages.text(topic, columns)
  return pages.find(topic, columns)
    or (type(topic) == "string" and "Nothing about '%s'. help() says what there is." or "No help for a %s that is not of guestlua.")
      :format(type(topic) == "string" and topic or type(topic))
end

return pages
