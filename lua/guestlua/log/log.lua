-- The log: a line per message, with secrets masked, on standard error or in a file.

local as_error = require("guestlua.base.as_error")
local core = require("guestlua.core")
local define = require("guestlua.base.define")
local json = require("guestlua.base.json")
local screen = require("guestlua.log.screen")
local stops = require("guestlua.base.stops")

local log = define.class("log", "A log for people and programs: guestlua.log.warning(\"slow\", {guest = \"web\", seconds = 3}). The "
  .. "levels are error, warning, info, debug and trace; by default errors and warnings are written, as text, to standard error. Passwords "
  .. "and the like are masked: in XML, in fields with such names, and in texts that look like one. Its functions are called with a dot.")
log.__index, log.__name = nil, nil -- it has no objects

local LEVELS = { "error", "warning", "info", "debug", "trace" }
local FORMATS = { "text", "json" }
local DEEPEST = 6

local rank = {}
for i, name in ipairs(LEVELS) do
  rank[name] = i
end

local level = "warning"
local file = io.stderr
local encode -- as text, or as JSON
local handler

-- ---- values ----

local function is_secret(key)
  return core.is_secret_name((tostring(key):gsub("%z", " ")))
end

local function masked_text(text)
  text = text:gsub("\0", "\\x00") -- the mask would end there
  if text:find("^%s*<") and text:find("/", 1, true) and text:find(">%s*$") then
    return core.mask_xml(text)
  end
  return core.mask(text)
end

local function sorted_keys(t)
  local keys = {}
  for key in pairs(t) do
    keys[#keys + 1] = key
  end
  table.sort(keys, function(a, b)
    return tostring(a) < tostring(b)
  end)
  return keys
end

local plain -- function

-- A table of fields in its own order, or sorted: names, and values that can be written.
local function plain_fields(fields, depth)
  local order = (getmetatable(fields) or {}).__jsonorder or sorted_keys(fields)
  local result, names = {}, {}
  for i, key in ipairs(order) do
    names[i] = core.escape(tostring(key))
    if fields[key] ~= nil and is_secret(key) then
      result[names[i]] = "***"
    else
      result[names[i]] = plain(fields[key], depth)
    end
  end
  return setmetatable(result, { __jsonorder = names, inline = (getmetatable(fields) or {}).inline })
end

function plain(value, depth)
  local kind = type(value)
  if kind == "nil" or kind == "boolean" or math.type(value) == "integer" then
    return value
  elseif kind == "number" then
    return value - value == 0 and value or tostring(value) -- JSON has no infinity
  elseif kind == "table" and not (getmetatable(value) or {}).__tostring and depth < DEEPEST then
    if #value == 0 then
      return plain_fields(value, depth + 1)
    end
    local list = {}
    for i, item in ipairs(value) do
      list[i] = plain(item, depth + 1)
    end
    return list
  end
  return masked_text(tostring(value))
end

-- ---- lines ----

local escaped = core.escape

local function as_text(value)
  if type(value) ~= "table" then
    local text = tostring(value)
    if text:find("^<") or not text:find("[%s\"=]") and text ~= "" then
      return escaped(text)
    end
    return '"' .. escaped((text:gsub('["\\]', "\\%0"))) .. '"'
  end
  local parts, order = {}, (getmetatable(value) or {}).__jsonorder
  for i, key in ipairs(order or value) do
    parts[i] = order and ("%s=%s"):format(escaped(key), as_text(value[key])) or as_text(key)
  end
  return order and ("{%s}"):format(table.concat(parts, " ")) or table.concat(parts, ",")
end

-- "guest=web device=vda": inline fields stand among the others.
local function add_fields(parts, fields)
  for _, key in ipairs(getmetatable(fields).__jsonorder) do
    local value = fields[key]
    if type(value) == "table" and (getmetatable(value) or {}).inline then
      add_fields(parts, value)
    elseif value ~= nil then
      parts[#parts + 1] = ("%s=%s"):format(escaped(key), as_text(value))
    end
  end
end

local function text_line(time, at, message, fields)
  local parts = { time, at, escaped(message) }
  add_fields(parts, fields)
  return table.concat(parts, " ")
end

local function valid(value)
  if type(value) == "string" and not utf8.len(value) then
    return escaped(value, "keep")
  elseif type(value) == "table" then
    for key, item in pairs(value) do
      value[key] = valid(item)
    end
  end
  return value
end

local function json_line(encoder)
  return function(time, at, message, fields)
    local order, record = { "time", "level", "message" }, { time = time, level = at, message = message }
    for _, key in ipairs(getmetatable(fields).__jsonorder) do
      local name = (key == "time" or key == "level" or key == "message") and key .. "_" or key
      order[#order + 1] = name
      record[name] = fields[key]
    end
    return encoder.encode(setmetatable(valid(record), { __jsonorder = order }))
  end
end

encode = text_line

-- Writes a line, whatever the level.
local function emit(at, message, fields)
  local line = encode(core.timestamp(), at, masked_text(tostring(message)), plain_fields(fields or {}, 1))
  if handler then
    local ok, e = pcall(handler, at, line)
    if stops(e) then
      error(e, 0)
    elseif not ok then -- it is the log that failed, and not what is logged
      screen.write(io.stderr, ("%s\nguestlua: the log's handler failed: %s\n"):format(line, core.printable(as_error(e).message)))
    end
  else
    screen.write(file, line .. "\n")
  end
end

-- ---- the public functions ----

local function choose(argument, value, choices)
  for _, choice in ipairs(choices) do
    if value == choice then
      return value
    end
  end
  define.bad("configure", argument, ("no '%s'; there are: %s"):format(value, table.concat(choices, ", ")))
end

local function open(path)
  local opened, message = io.open(path, "a")
  if not opened then
    error(core.Error.new({ kind = "system_error", op = "configure", message = "cannot write the log: " .. message }), 0)
  end
  return opened
end

define(log, "log", {
  name = "configure",
  help = "Sets what is logged, how and where; options that are not given stay as they are. The command's --log-level, --log-format and --log-file.",
  params = {
    { name = "level", type = "string", help = "\"error\", \"warning\", \"info\", \"debug\" or \"trace\": this level and worse; trace has each "
      .. "libvirt call, with its arguments, its result and its duration" },
    { name = "format", type = "string", help = "\"text\", or \"json\": one object per line, which needs the Lua module dkjson" },
    { name = "file", type = "string", help = "a file to append to" },
    { name = "handler", type = "function", help = "called with each level and line instead of writing it; it must not wait" },
  },
  run = function(options)
    local new_level = options.level and choose("level", options.level, LEVELS)
    local new_format = options.format and choose("format", options.format, FORMATS)
    local new_encode = new_format == "json" and json_line(json("configure", "a log in JSON")) or new_format and text_line
    if options.file then
      local before = file
      file, handler = open(options.file), nil
      if before ~= io.stderr then
        before:close()
      end
    end
    level, encode, handler = new_level or level, new_encode or encode, options.handler or handler
    core.trace(level == "trace")
  end,
})

for i, name in ipairs(LEVELS) do
  define(log, "log", {
    name = name,
    help = ("Writes a line of the level %s, if that level is logged."):format(name),
    params = {
      { name = "message", type = "string", binary = true, positional = true, required = true, help = "what happened" },
      { name = "fields", type = "table", positional = true, help = "further details, by name" },
    },
    run = function(message, fields)
      if i <= rank[level] then
        emit(name, message, fields)
      end
    end,
  })
end

-- The fields of a line, in the order given by their metatable: as a table with masked secrets, and as text.
local function masked(fields)
  return plain_fields(fields, 1)
end

local function fields_text(fields)
  local parts = {}
  add_fields(parts, masked(fields))
  return table.concat(parts, " ")
end

return { log = log, emit = emit, masked = masked, fields_text = fields_text }
