-- What the C of a file is written with, and what is in it once: enumerations, flags, families of parameters, structs.

local names = require("generate.names")

local Writer = {}
Writer.__index = Writer

function Writer.quoted(text)
  return '"' .. text:gsub('[\\"]', "\\%0"):gsub("\n", "\\n") .. '"'
end

local quoted = Writer.quoted

function Writer:add(...)
  self.lines[#self.lines + 1] = select("#", ...) > 1 and string.format(...) or (...)
end

-- ---- enumerations, flags, families of parameters: once a file ----

-- An array of words, by value or by the number of the bit.
function Writer:enum(enum, bits)
  local id = "enum_" .. enum .. (bits and "_bits" or "")
  if not self.done[id] then
    self.done[id] = true
    self:add("static const char *const %s_words[] = {", id)
    for _, one in ipairs(self.description.enums[enum] or error("no enumeration " .. enum)) do
      local word = names.word(self.description, enum, one.name)
      if word and (bits and one.value > 0 or not bits and one.value >= 0 and one.value < 256) then
        self:add(bits and "  [__builtin_ctz((unsigned)%s)] = %s," or "  [%s] = %s,", one.name, quoted(word))
      end
    end
    self:add("};\nstatic const gl_enum %s = GL_ENUM(\"word\", %s_words);\n", id, id)
  end
  return id
end

-- Words that exclude each other, as active and inactive.
local function opposite(word, words)
  for _, other in ipairs({ "in" .. word, "no_" .. word, word == "persistent" and "transient" or "", (word:gsub("^has_", "no_")) }) do
    if other ~= word and words[other] then
      return other
    end
  end
end

-- The options of a set of enumerations, as a list that several calls have in common. choices: of two that exclude each other one option is made.
function Writer:flags(enums, choices)
  local id = "flags_" .. table.concat(enums, "_") .. (choices and "_choices" or "")
  if self.done[id] ~= nil then
    return self.done[id] and id
  end
  local list, words, seconds = {}, {}, {}
  for _, enum in ipairs(enums) do
    for _, one in ipairs(self.description.enums[enum]) do
      local word = names.word(self.description, enum, one.name)
      if word and not words[word] and word ~= "none" and not (one.value == 0 and word ~= "current") then
        list[#list + 1] = { word = word, constant = one.name, value = one.value }
        words[word] = one.name
      end
    end
  end
  for _, one in ipairs(list) do
    one.other = choices and opposite(one.word, words)
    seconds[one.other or ""] = true
  end
  self.done[id] = #list > 0
  if #list == 0 then
    return false
  end
  table.sort(list, function(a, b)
    return a.word < b.word
  end)
  self:add("static const gl_param %s[] = {", id)
  for _, one in ipairs(list) do
    local help = self.words.flag(one.constant)
    if one.other then
      local text = ("true: only those that are %s; false: only those that are %s"):format(one.word, one.other)
      self:add("  GL_OPTION_CHOICE(%s, %s, %s, %s),", quoted(one.word), one.constant, words[one.other], quoted(text))
    elseif not seconds[one.word] then
      self:add("  GL_OPTION_FLAG(%s, (unsigned)%s, %s),", quoted(one.word), one.constant, quoted(help))
    end
  end
  self:add("  GL_END,\n};\n")
  return id
end

-- The names and the types of the parameters that begin with prefix.
function Writer:family(prefix)
  local id = "family_" .. prefix
  if not self.done[id] then
    self.done[id] = true
    local list = {}
    for _, one in ipairs(self.description.parameters) do
      if one.constant:sub(1, #prefix) == prefix then
        list[#list + 1] = one
      end
    end
    self:add("static const char *const %s_names[] = {", id)
    for _, one in ipairs(list) do
      self:add("  %s,", one.constant)
    end
    self:add("};\nstatic const unsigned char %s_types[] = {", id)
    for _, one in ipairs(list) do
      local types = self.words.types
      self:add("  VIR_TYPED_PARAM_%s,", one.type or types[one.constant] or types[prefix .. "*"] or "STRING")
    end
    self:add("};\nstatic const gl_param_family %s = {GL_ENUM(\"parameter\", %s_names), %s_types};\n", id, id, id)
  end
  return id
end

-- An enumeration that was written before: see Writer:call.
function Writer.enum_before(enum)
  return "enum_" .. enum
end

local enum_before = Writer.enum_before

-- A function that pushes a struct as a table.
function Writer:struct(p, id)
  self:add("static int %s_push(lua_State *L, gl_op *op)\n{\n  const %s *out = &((%s_op *)op)->out;\n  lua_newtable(L);", id, p.struct_type, id)
  for _, field in ipairs(self.description.structs[p.struct]) do
    local word = quoted(names.snake(field.name))
    local enum = self.words.fields[p.struct .. "." .. field.name]
    if enum then
      self:add("  gl_set_word(L, %s, &%s, (int)out->%s);", word, enum_before(enum), field.name)
    elseif field.type:find("^char ") then
      self:add("  gl_set_text(L, %s, out->%s);", word, field.name)
    else
      self:add("  gl_set_integer(L, %s, (lua_Integer)out->%s);", word, field.name)
    end
  end
  self:add("  return 1;\n}")
  self:struct_fields(p, id)
end

-- What is documented of them, in libvirt's own words.
function Writer:struct_fields(p, id)
  self:add("static const gl_result_field %s_fields[] = {", id)
  for _, field in ipairs(self.description.structs[p.struct]) do
    local type = (self.words.fields[p.struct .. "." .. field.name] or field.type:find("^char ")) and "string" or "integer"
    self:add("  {%s, %s, %s},", quoted(names.snake(field.name)), quoted(type), quoted(field.info ~= "" and field.info or "see libvirt"))
  end
  self:add("  {NULL, NULL, NULL},\n};")
end

return Writer
