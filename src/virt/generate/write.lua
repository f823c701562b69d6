-- From the plans of a class to C.

local Writer = require("generate.writer")

local enum_before, quoted = Writer.enum_before, Writer.quoted
local write = {}

-- ---- one call ----

local TYPES = {
  text = "string", constant = "string", boolean = "boolean", integer = "integer", size = "integer", enum = "string", params = "table<string,any>",
  struct = "table", texts = "string[]",
}

local function results(p)
  local list = {}
  for _, out in ipairs(p.out) do
    local type = out.boolean and "boolean" or out.enum and "string" or "integer"
    list[#list + 1] = quoted(#p.out + (p.result == "params" and 1 or 0) > 1 and type .. " " .. out.name or type)
  end
  if p.class then
    local class = p.class == "Domain" and "Guest" or p.class
    list[#list + 1] = quoted(p.result == "objects" and class .. "[]" or p.may_be_missing and class .. "?" or class)
  elseif TYPES[p.result] then
    local type = TYPES[p.result] .. (p.row.maybe and "?" or "")
    list[#list + 1] = quoted(#p.out > 0 and type .. " " .. p.result or type)
  end
  return table.concat(list, ", ")
end

-- Which of the arguments the older function does not have, besides the flags.
local function older_lacks(p)
  local lacks = {}
  for i, one in ipairs(p.pass) do
    local name = one:match("^self%->([%w_]+)$")
    lacks[one] = name and p.row.older_args and not p.row.older_args:find(p.fn.args[i + 1].name, 1, true) or nil
  end
  return lacks
end

-- The C of the call, or of the older one that has no flags.
local function call_of(p, older)
  local pass, lacks = { "op->subject->ptr" }, older_lacks(p)
  for _, one in ipairs(p.pass) do
    if not (older and (one == "op->args.flags" or lacks[one])) then
      pass[#pass + 1] = one
    end
  end
  return ("%s(%s)"):format(older and p.row.older or p.fn.name, table.concat(pass, ", "))
end

-- The condition on which the older function can stand in: what it lacks was not given.
local function may_be_older(p, failed)
  local lacks = {}
  for one in pairs(older_lacks(p)) do
    lacks[#lacks + 1] = " && !" .. one
  end
  table.sort(lacks)
  return ("%s%s && gl_reply_may_be_older(op)"):format(failed, table.concat(lacks))
end

local function with_older(p, type, failed)
  local call = call_of(p)
  if not p.row.older then
    return ("  %s rc = %s;"):format(type, call)
  end
  return ("  %s rc = %s;\n  if (%s)\n    rc = %s;"):format(type, call, may_be_older(p, failed), call_of(p, true))
end

local RUN = {
  text = function(p)
    if p.text_out then
      return "  return " .. call_of(p) .. ";"
    end
    return with_older(p, "char *", "!rc") .. "\n  return (self->reply.text = rc) ? 0 : -1;"
  end,
  constant = function(p)
    return ("  return (self->reply.constant = %s)%s ? 0 : -1;"):format(call_of(p), p.row.maybe and " || 1" or "")
  end,
  size = function(p)
    return ("  return (self->reply.numbers[0] = (long long)%s) ? 0 : -1;"):format(call_of(p))
  end,
  enum = function(p)
    return ("  self->reply.names = &%s;\n  return (int)(self->reply.numbers[0] = %s);"):format(enum_before(p.enum), call_of(p))
  end,
  object = function(p)
    return with_older(p, "void *", "!rc") .. ("\n  return %s(op, rc);"):format(p.may_be_missing and "gl_reply_found" or "gl_reply_object")
  end,
  objects = function(p)
    return ("  %s *list = NULL;\n  int count = %s;\n  return gl_reply_list(op, list, count);"):format(p.list_type, call_of(p))
  end,
}
RUN.texts = RUN.objects

-- Two calls: how many there are, and then they themselves.
local function run_params(p)
  if not p.asks_twice then
    return with_older(p, "int", "rc < 0")
  end
  local function asked(call)
    return (call:gsub("PARAMS", "NULL, &count")), (call:gsub("PARAMS", "self->reply.params, &self->reply.count"))
  end
  local ask, fetch = asked(call_of(p))
  if p.row.count_from then
    ask = "gl_scheduler_count(op->subject->ptr, &count)"
  end
  local text = ("  int count = 0;\n  if (%s < 0)\n    return %%s;\n  if (gl_reply_room(op, count) < 0)\n    return -1;"):format(ask):format("-1")
  if p.row.older then
    local _, older = asked(call_of(p, true))
    return text .. ("\n  int rc = %s;\n  if (%s)\n    rc = %s;"):format(fetch, may_be_older(p, "rc < 0"), older)
  end
  return text .. ("\n  int rc = %s;"):format(fetch)
end

local function run_body(p)
  if RUN[p.result] then
    return RUN[p.result](p)
  end
  local lines = {}
  for i, out in ipairs(p.out) do
    lines[#lines + 1] = ("  %s out%d = 0;"):format(out.type, i)
  end
  lines[#lines + 1] = p.result == "params" and run_params(p) or with_older(p, "int", "rc < 0")
  for i, out in ipairs(p.out) do
    lines[#lines + 1] = ("  self->reply.numbers[%d] = (long long)out%d;"):format(i - 1, i)
    if out.enum then
      lines[#lines + 1] = ("  self->reply.names = &%s;"):format(enum_before(out.enum))
    end
  end
  if #p.out > 0 then
    lines[#lines + 1] = ("  self->reply.number_count = %d;"):format(#p.out)
  end
  lines[#lines + 1] = "  return rc;"
  return table.concat(lines, "\n")
end

local PUSH = {
  text = "gl_push_text", constant = "gl_push_constant", boolean = "gl_push_boolean", integer = "gl_push_integer", size = "gl_reply_push_numbers",
  enum = "gl_reply_push_word", params = "gl_reply_push_params", texts = "gl_reply_push_texts", object = "gl_reply_push_object",
  objects = "gl_reply_push_objects", numbers = "gl_reply_push_numbers",
}
local RELEASE = {
  text = "gl_release_text", params = "gl_reply_free_params", texts = "gl_reply_free_texts", object = "gl_reply_free_object",
  objects = "gl_reply_free_objects",
}

local function help_of(writer, p, a)
  local words = writer.words.arguments
  return words[p.fn.name .. "." .. a.name] or words[a.name] or "libvirt's argument of this name"
end

function Writer:params(p, id, flags)
  self:add("static const gl_param %s_params[] = {", id)
  for _, a in ipairs(p.arguments) do
    local names_ = a.enum and (".names = &%s, "):format(enum_before(a.enum)) or a.bits and (".names = &enum_%s_bits, "):format(a.bits)
      or a.family and (".names = &family_%s.names, "):format(a.family) or ""
    local max = a.max and a.max ~= "0" and (".max = %s, "):format(a.max) or ""
    self:add("  {.name = %s, .kind = &%s, .positional = true, %s%s%s.offset = offsetof(%s_op, %s), .help = %s},", quoted(a.name), a.kind,
      a.optional and "" or ".required = true, ", max, names_, id, a.name, quoted(help_of(self, p, a)))
  end
  self:add(flags and ("  GL_MORE(%s),\n};"):format(flags) or "  GL_END,\n};")
end

-- Whether an argument is a device of the guest's.
local function names_device(p)
  for _, a in ipairs(p.owner == "Domain" and p.arguments or {}) do
    if a.kind == "gl_string" and (a.name == "disk" or a.name == "device" or a.name == "dev") then
      return true
    end
  end
  return false
end

-- The result of a row that also has another name: the same call with other options.
function Writer:definition(p, id, name, help, params)
  local size = (#p.arguments > 0 or p.result == "struct") and id .. "_op" or not (p.result == "nothing" or p.result == "boolean"
    or p.result == "integer") and "gl_reply"
  local push = p.result == "struct" and id .. "_push" or p.result == "numbers" and p.out[1].boolean and "gl_reply_push_boolean" or PUSH[p.result]
  local release = p.frees_params and id .. "_release" or RELEASE[p.result]
  self:add("static const gl_opdef %s_def = {\n  .name = %s,\n  .call = %s,\n  .help = %s,", name, quoted(name:match("^%w-_(.*)$")), quoted(p.fn.name),
    quoted(help))
  local fields = {
    { "result", results(p) ~= "" and ("{%s}"):format(results(p)) },
    { "returns", (p.row.returns or p.result == "params") and quoted(p.row.returns or "values by libvirt's names") },
    { "fields", p.result == "struct" and id .. "_fields" }, { "params", params },
    { "size", size and ("sizeof(%s)"):format(size) }, { "run", id .. "_run" }, { "push", push }, { "release", release },
    { "gives", p.class and ("&gl_%s_named"):format(p.class:lower()) }, { "changes", p.changes and "true" }, { "quick", p.quick and "true" },
    { "names_device", names_device(p) and "true" }, { "check", p.row.detaches and "gl_xml_check_detached" },
    { "memory", p.memory and "true" }, { "slow", p.row.slow and "true" }, { "lane", "GL_LANE_" .. p.lane },
    { "aborts", p.row.aborts and quoted(p.row.aborts) },
  }
  for _, field in ipairs(fields) do
    if field[2] then
      self:add("  .%s = %s,", field[1], field[2])
    end
  end
  self:add("};\n")
end

function Writer:call(p)
  local id = ("%s_%s"):format(p.owner:lower(), p.name)
  for _, a in ipairs(p.arguments) do
    local _ = a.enum and self:enum(a.enum) or a.bits and self:enum(a.bits, true) or a.family and self:family(a.family)
    p.frees_params = p.frees_params or a.family and a.name
  end
  for _, out in ipairs(p.out) do
    local _ = out.enum and self:enum(out.enum)
  end
  local _ = p.enum and self:enum(p.enum)
  for _, field in ipairs(p.struct and self.description.structs[p.struct] or {}) do
    local enum = self.words.fields[p.struct .. "." .. field.name]
    _ = enum and self:enum(enum)
  end
  local flags = p.flags and #p.flags > 0 and self:flags(p.flags)
  if #p.arguments > 0 or p.result == "struct" then
    self:add("typedef struct {\n  gl_reply reply;")
    for _, a in ipairs(p.arguments) do
      self:add("  %s %s;", a.type, a.name)
    end
    if p.result == "struct" then
      self:add("  %s out;", p.struct_type)
    end
    self:add("} %s_op;", id)
  end
  local self_type = (#p.arguments > 0 or p.result == "struct") and id .. "_op" or "gl_reply_op"
  local body = run_body(p)
  self:add("static int %s_run(gl_op *op)\n{", id)
  if body:find("self->", 1, true) then
    self:add("  %s *self = (%s *)op;", self_type, self_type)
  end
  self:add((body:gsub("%%", "%%%%")))
  self:add("}")
  if p.result == "struct" then
    self:struct(p, id)
  end
  if p.frees_params then
    self:add("static void %s_release(gl_op *op)\n{\n  gl_params_free(&((%s_op *)op)->%s);\n}", id, id, p.frees_params)
  end
  local params
  if #p.arguments > 0 then
    self:params(p, id, flags)
    params = id .. "_params"
  elseif flags then
    params = flags
  end
  self:definition(p, id, id, p.row[2], params)
  self.defs[#self.defs + 1] = id
  if p.row.as then
    local name = ("%s_%s"):format(p.owner:lower(), p.row.as[1])
    self:definition(p, id, name, p.row.as[2], p.flags and #p.flags > 0 and self:flags(p.flags, true) or nil)
    self.defs[#self.defs + 1] = name
  end
end

-- For the C of a file.
function write.new(description, words, header)
  local writer = setmetatable({ lines = {}, done = {}, defs = {}, description = description, words = words }, Writer)
  writer:add("/* Made by src/virt/generate.lua from libvirt's description of itself; changes here are lost. */")
  writer:add('#include "%s"\n', header)
  return writer
end

-- The enumerations that the calls need which are written by hand.
function write.words(description, words)
  local writer = write.new(description, words, "virt/object/generated.h")
  for _, one in ipairs(words.enums) do
    local enum, bits = one:match("^(%w+)(.*)$")
    local id = writer:enum(enum, bits ~= "")
    writer:add("const gl_enum gl_%s = GL_ENUM(\"word\", %s_words);\n", id, id)
  end
  return (table.concat(writer.lines, "\n"):gsub("static const gl_enum enum_[^\n]*\n", ""))
end

-- The C of a file: some plans of a class.
function write.file(table_name, plans, description, words)
  local writer = write.new(description, words, "virt/object/generated.h")
  for _, p in ipairs(plans) do
    writer:call(p)
  end
  writer:add("const gl_opdef *const %s[] = {", table_name)
  for _, id in ipairs(writer.defs) do
    writer:add("  &%s_def,", id)
  end
  writer:add("  NULL,\n};")
  return table.concat(writer.lines, "\n") .. "\n"
end

return write
