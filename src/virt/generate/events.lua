-- From libvirt's description of its events to C: a callback for each type of callback, which hands on what it is given, the names of all that, and
-- the kinds of events with their names in Lua. Events that are newer than this repository come by themselves: with their arguments' names, and words
-- for the numbers with an enumeration that is called after the callback and the argument. An argument of a type that is not known here is left out.

local names = require("generate.names")
local write = require("generate.write")

local events = {}

local NUMBERS = { int = true, ["unsigned int"] = true, ["long long"] = true, ["unsigned long long"] = true }
local MOST_NUMBERS, MOST_TEXTS = 3, 5 -- GL_EVENT_NUMBERS, GL_EVENT_TEXTS

-- The name of the enumeration that is called so, whatever case its letters have.
local function find_enum(description, name)
  for enum in pairs(description.enums) do
    if enum:lower() == name:lower() then
      return enum
    end
  end
end

-- "virConnectDomainEventBlockJobCallback", "status" -> "virConnectDomainEventBlockJobStatus"; an event's own number is its type.
local function enum_of(rows, description, callback, argument)
  local known = rows.enums[callback .. "." .. argument]
  if known then
    return description.enums[known] and known
  end
  local stem = callback:gsub("Callback$", "") .. (argument == "event" and "Type" or argument)
  return find_enum(description, stem) or find_enum(description, (stem:gsub("^virConnect", "vir")))
end

-- The enumerations of the detail, by the number of the event: virDomainEventStartedDetailType.
local function details_of(description, enum)
  local list = {}
  for _, one in ipairs(description.enums[enum] or {}) do
    local word = names.word(description, enum, one.name)
    local detail = word and find_enum(description, enum:gsub("Type$", "") .. word:gsub("_", "") .. "DetailType")
    if detail then
      list[#list + 1] = { of = one.name, enum = detail }
    end
  end
  return list
end

-- What a callback has: { numbers =, texts = (C), params = (C), fields = { name =, part =, index =, enum =, details = } }.
local function read_callback(rows, description, callback)
  local args = description.callbacks[callback]
  local found = { numbers = {}, texts = {}, fields = {} }
  local function take(list, most, c, field)
    if #list < most then
      list[#list + 1] = c
      field.index = #list - 1
      found.fields[#found.fields + 1] = field
    end
  end
  for i = 3, #args - 1 do -- after the connection and the object, before what is opaque
    local arg, after = args[i], args[i + 1]
    local name = rows.rename[callback .. "." .. arg.name] or arg.name == "event" and "type" or names.snake(arg.name)
    if NUMBERS[arg.type] and args[i - 1].type ~= "virTypedParameterPtr" then
      local enum = enum_of(rows, description, callback, arg.name)
      local type = arg.name == "detail" and enum_of(rows, description, callback, "event")
      take(found.numbers, MOST_NUMBERS, arg.name, { name = name, part = "NUMBER", enum = enum, details = type and details_of(description, type) })
    elseif arg.type == "const char *" then
      take(found.texts, MOST_TEXTS, arg.name, { name = name, part = "TEXT" })
    elseif arg.type == "const virDomainEventGraphicsAddress *" then -- the one who is there (…GraphicsSubject) may be a secret here
      take(found.texts, MOST_TEXTS, arg.name .. "->node", { name = name .. "_node", part = "TEXT" })
      take(found.texts, MOST_TEXTS, arg.name .. "->service", { name = name .. "_service", part = "TEXT" })
    elseif arg.type == "virTypedParameterPtr" and NUMBERS[after.type] then
      found.params = (".params = %s, .params_count = (int)%s"):format(arg.name, after.name)
      found.fields[#found.fields + 1] = { name = name, part = "PARAMS" }
    end
  end
  return found
end

-- The fields, and the enumerations that they need, before those.
local function write_fields(writer, id, fields)
  for _, field in ipairs(fields) do
    field.names = field.enum and writer:enum(field.enum)
    for _, one in ipairs(field.details or {}) do
      one.names = writer:enum(one.enum)
    end
    if field.details and field.details[1] then
      writer:add("static const gl_enum *const %s_details[] = {", id)
      for _, one in ipairs(field.details) do
        writer:add("  [%s] = &%s,", one.of, one.names)
      end
      writer:add("};")
    end
  end
  writer:add("static const gl_event_field %s_fields[] = {", id)
  for _, field in ipairs(fields) do
    writer:add('  {.name = "%s", .part = GL_EVENT_%s, .index = %d%s%s},', field.name, field.part, field.index or 0,
      field.names and (", .names = &%s"):format(field.names) or "",
      field.details and field.details[1] and (", .names_of = %s_details, .count = sizeof %s_details / sizeof *%s_details"):format(id, id, id) or "")
  end
  writer:add("  {.name = NULL},\n};\n")
end

-- The callback of that type, once for each family: on_DOMAIN_virConnect…
local function write_callback(writer, rows, callback, family)
  local id = ("%s_%s"):format(family, callback)
  if writer.done[id] then
    return id
  end
  writer.done[id] = true
  local args = writer.description.callbacks[callback]
  local found = read_callback(rows, writer.description, callback)
  local list = {}
  for i, arg in ipairs(args) do
    list[i] = arg.type .. (arg.type:find("%*$") and "" or " ") .. arg.name
  end
  local data = {}
  if #found.numbers > 0 then
    data[#data + 1] = (".numbers = {%s}"):format(table.concat(found.numbers, ", "):gsub("[^, ]+", "(long long)%0"))
  end
  if #found.texts > 0 then
    data[#data + 1] = (".texts = {%s}"):format(table.concat(found.texts, ", "))
  end
  data[#data + 1] = found.params
  writer:add("static %s on_%s(%s)\n{", args.type, id, table.concat(list, ", "))
  for _, arg in ipairs(args) do
    writer:add("  (void)%s;", arg.name)
  end
  writer:add("  const gl_event_data data = {%s};", #data > 0 and table.concat(data, ", ") or ".params = NULL")
  writer:add("  gl_event_deliver_%s(%s, %s, &data);", family, args[#args].name, args[2].name)
  writer:add(args.type == "void" and "}" or "  return 0;\n}")
  write_fields(writer, id, found.fields)
  return id
end

-- The events of a family: { name =, number = (C), id = (C), callback = }.
local function events_of(family, description)
  if family.callback then
    local known = description.callbacks[family.callback]
    return known and { { name = family.name, number = family.first, id = "0", callback = family.callback } } or {}
  end
  local list = {}
  for _, one in ipairs(description.enums[family.enum] or {}) do
    local callback = one.info:match("vir%w+Callback")
    if callback and description.callbacks[callback] and one.value < family.room then
      list[#list + 1] = {
        name = family.prefix .. names.word(description, family.enum, one.name), number = ("%s + %s"):format(family.first, one.name), id = one.name,
        callback = callback,
      }
    end
  end
  return list
end

-- The names that a class can subscribe to, by the number.
local function write_names(writer, rows, class, families)
  writer:add("static const char *const %s_names[] = {", class)
  for _, one in ipairs(families) do
    for _, event in ipairs(rows.by_family[one]) do
      writer:add('  [%s] = "%s",', event.number, event.name)
    end
  end
  for _, event in ipairs(rows.own) do
    writer:add('  [%s] = "%s",', event.number, event.name)
  end
  writer:add('};\nconst gl_enum gl_event_names_%s = GL_ENUM("event", %s_names);\n', class, class)
end

-- The C of all events.
function events.file(rows, description, words)
  local writer = write.new(description, words, "event/kind.h")
  local kinds = {}
  rows.by_family = {}
  for _, family in ipairs(rows.families) do
    rows.by_family[family.family] = events_of(family, description)
    for _, event in ipairs(rows.by_family[family.family]) do
      local id = write_callback(writer, rows, event.callback, family.family)
      kinds[#kinds + 1] = ('  [%s] = {.number = %s, .id = %s, .name = "%s", .family = &gl_event_%s, .callback = (void (*)(void))on_%s, '
        .. ".fields = %s_fields},"):format(event.number, event.number, event.id, event.name, family.family, id, id)
    end
  end
  for _, event in ipairs(rows.own) do
    write_fields(writer, event.name, { { name = event.field, part = "NUMBER", enum = event.enum } })
    kinds[#kinds + 1] = ('  [%s] = {.number = %s, .name = "%s", %s.fields = %s_fields},'):format(event.number, event.number, event.name,
      event.family and (".family = &gl_event_%s, "):format(event.family) or "", event.name)
  end
  writer:add("const gl_event_kind gl_event_kinds[GL_EVENT_COUNT] = {\n%s\n};\n", table.concat(kinds, "\n"))
  local classes = {}
  for class in pairs(rows.classes) do
    classes[#classes + 1] = class
  end
  table.sort(classes)
  for _, class in ipairs(classes) do
    write_names(writer, rows, class, rows.classes[class])
  end
  return table.concat(writer.lines, "\n")
end

return events
