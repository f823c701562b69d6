-- What help() prints: the page of a class, a function, a field or a section of the manual, or what a search finds.

local examples = require("guestlua.prompt.examples")
local help = require("guestlua.prompt.help")
local links = require("guestlua.prompt.links")
local search = require("guestlua.prompt.search")

local ALSO, MOST, SOME = 6, 40, 12 -- lines of what a search finds: below a page, alone, and if they have not all words

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

-- That page alone.
function pages.command(name, columns)
  return command_text(examples.command(name), columns or 80)
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

-- The headings of a text, each on a line of its own or not.
local function titles_of(sections, between)
  local titles = {}
  for _, section in ipairs(sections) do
    titles[#titles + 1] = between == "\n" and "  " .. section.title or section.level == 2 and { name = ("\"%s\""):format(section.title) } or nil
  end
  return between and table.concat(titles, between) or titles
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
  for _, recipe in ipairs(help.cookbook()) do
    if recipe.title:lower() == topic:lower() then
      found[#found + 1] = recipe.title .. "\n\n" .. recipe.text -- as it can be copied
    end
  end
  if topic:lower() == "cookbook" then
    found[#found + 1] = "The cookbook: help with the words of a line shows the script\n" .. titles_of(help.cookbook(), "\n")
  end
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
  return table.concat({
    "help(guest), help(guest.launch)   what a value is, and what it can",
    "help \"launch\", ?block jobs         what has that name, or speaks of it",
    "help \"setvcpus\"                   what does the same as that command of virsh",
    "help \"cookbook\"                   scripts by task; help \"clone a guest\" shows one",
    "watch(host), unwatch()            prints events; stops that",
    ".history words                    what was typed before and has those words",
    "quit, exit, Ctrl-D                leave",
    "The classes:\n" .. names_of(help.classes(), columns),
    "The manual:\n" .. names_of(titles_of(help.manual()), columns),
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
    local more, all = {}, false
    if not topic:find("[.:]") then
      more, all = search.find(topic, columns, topic)
    end
    return table.concat(found, "\n\n") .. (all and #more > 0 and "\n\nSee also:\n" .. lines_of(more, ALSO) or "")
  end
  local all
  found, all = search.find(topic, columns)
  if #found == 0 then
    return nil
  end
  return all and lines_of(found, MOST) or "Nothing has all of these words. With some of them:\n" .. lines_of(found, SOME)
end

function pages.text(topic, columns)
  local page = pages.find(topic, columns)
  if page or type(topic) ~= "string" then
    return page or ("No help for a %s that is not of guestlua."):format(type(topic))
  end
  local near = search.nearest(topic)
  return ("Nothing about '%s'%s help() says what there is."):format(topic, near and ("; is %s meant?"):format(near) or ".")
end

return pages
