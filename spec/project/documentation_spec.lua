-- What the project says of itself is true.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read("a")
end

-- A directory that is gone when the spec is over.
local function scratch()
  local directory = os.tmpname()
  os.remove(directory)
  assert.is_true(os.execute("mkdir " .. directory))
  finally(function()
    os.execute("rm -r " .. directory)
  end)
  return directory
end

local function has(program)
  return os.execute("command -v " .. program .. " >/dev/null")
end

local function needs(program)
  if not has(program) then
    pending(program .. " is not installed")
  end
end

describe("The documentation", function()
  local help = require("guestlua.prompt.help")
  local options = require("guestlua.command.options")

  it("says of every function what it does, and of every argument and field what it is, once", function()
    local count = 0
    for _, class in ipairs(help.classes()) do
      assert.is_truthy(class.help, class.name)
      for _, row in ipairs(table.move(class.fields, 1, #class.fields, #class.methods + 1, { table.unpack(class.methods) })) do
        count = count + 1
        assert.is_truthy(row.help and #row.help > 10, row.name)
        for _, list in ipairs({ row.params or {}, row.fields or {} }) do
          local seen = {}
          for _, one in ipairs(list) do
            assert.is_truthy(one.help and one.type and not seen[one.name], row.name .. ": " .. one.name)
            seen[one.name] = true
          end
        end
      end
    end
    assert.is_true(count > 100, count)
  end)

  -- The files in the repository, which a process of its own has made: what this process has loaded so far is not in question.
  it("leaves out no public function", function()
    local types, count, is_newer = read("packaging/types/guestlua.lua"), 0, require("spec.support.objects").newer()
    local function check(owner, members)
      local reference = read(("doc/reference/%s.md"):format(owner))
      for name, value in pairs(members) do
        if type(value) == "function" and not name:find("^__") and not is_newer[owner .. "." .. name] then
          count = count + 1
          assert.is_truthy(reference:find(("\n## [%%w]*[.:]%s%%("):format(name)), ("%s.%s in doc/reference"):format(owner, name))
          assert.is_truthy(types:find(("\nfunction %s[.:]%s%%("):format(owner, name)), ("%s.%s in types"):format(owner, name))
        end
      end
    end
    check("guestlua", guestlua)
    for _, class in ipairs(require("guestlua.core").documentation().classes) do
      check(class.name, guestlua[class.name])
    end
    for class, name in pairs(require("guestlua.base.define").classes) do
      if type(class) == "table" then
        check(name, class)
      end
    end
    assert.is_true(count > 100, count)
  end)

  it("says of every option of the command what it does", function()
    local seen = {}
    for _, option in ipairs(options) do
      local name = option.long or option.short or option.word
      assert.is_truthy(option.help and #option.help > 10, name)
      for _, form in pairs({ option.short, option.long, option.word and option.word .. " " }) do
        assert.is_nil(seen[form], form)
        seen[form] = true
      end
      assert.is_truthy(option.argument or not (option.choices or option.suggestions), name)
    end
  end)

  it("that is made from the source is what the source says", function()
    if guestlua.version.libvirt_compiled ~= "9.0.0" then
      pending("the pages in the repository are made with libvirt 9.0.0: another one has other calls")
    end
    local directory = scratch()
    assert.same({ 0, "", "" }, { helper.guestlua("doc/make.lua " .. directory) })
    for _, made in ipairs({ "doc/reference", "doc/guestlua.1", "packaging/completions", "packaging/types" }) do
      assert.same({ 0, "", "" }, { helper.run(("diff -r %s %s/%s"):format(made, directory, made)) }, "run `make doc`")
    end
  end)

  it("has a man page that man and mandoc have nothing to say against", function()
    needs("mandoc")
    assert.same({ 0, "", "" }, { helper.run("mandoc -T lint -W warning doc/guestlua.1") })
    if has("man") then
      local code, _, err = helper.run("man --warnings -E UTF-8 -l -Tutf8 -Z doc/guestlua.1")
      assert.same({ 0, "" }, { code, err })
    end
  end)

  it("in HTML has only links that lead somewhere", function()
    needs("cmark-gfm")
    needs("mandoc")
    local directory = scratch()
    assert.same({ 0, "", "" }, { helper.guestlua("doc/html.lua " .. directory) })
    local count = 0
    local linked = { "index", "tutorial", "cookbook", "coming_from", "virsh", "limits", "guestlua.1", "departures", "reference/guestlua",
      "reference/Guest", "reference/BlockDevice" }
    for _, page in ipairs(linked) do
      local path = ("%s/%s.html"):format(directory, page)
      for link in read(path):gmatch('href="([^":]*)"') do
        local to, anchor = link:match("^([^#]*)#?(.*)$")
        local target = read(to == "" and path or path:match("^.*/") .. to)
        assert.is_truthy(anchor == "" or target:find(('id="%s"'):format(anchor), 1, true), page .. " links to " .. link)
        count = count + 1
      end
    end
    assert.is_true(count > 100)
    assert.is_truthy(read(directory .. "/reference/BlockDevice.html"):find('<h2 id="commit">', 1, true))
    -- code has colours, and stays what it was; the search knows every heading
    local cookbook = read(directory .. "/cookbook.html")
    assert.is_truthy(cookbook:find('<span class="k">local</span> host', 1, true))
    assert.is_truthy(cookbook:find('host &lt;close&gt; = guestlua.open()', 1, true))
    local index, known = read(directory .. "/index.js"), 0
    for heading in read("doc/cookbook.md"):gmatch("\n## ([^\n]+)") do
      assert.is_truthy(index:find("Cookbook: " .. heading, 1, true), heading)
      known = known + 1
    end
    assert.is_true(known > 10)
    assert.is_truthy(index:find('["BlockDevice:commit(base, top, {…})","reference/BlockDevice.html#commit",', 1, true))
    for _, entry in ipairs({ '["workflow.reboot(guest, {…})","reference/workflow.html#reboot",',
      '["The manual: Draining a host","index.html#draining-a-host",', '["The command: SIGNALS","guestlua.1.html#SIGNALS",',
      '["The command: The prompt","guestlua.1.html#The_prompt",' }) do
      assert.is_truthy(index:find(entry, 1, true), entry)
    end
    assert.is_truthy(read(directory .. "/index.html"):find("guestlua metrics --file", 1, true), "a command is not coloured as Lua's comment")
  end)

  it("in HTML has each id once on a page, and fits a phone", function()
    needs("cmark-gfm")
    needs("mandoc")
    local directory, pages = scratch(), {}
    assert.same({ 0, "", "" }, { helper.guestlua("doc/html.lua " .. directory) })
    for page in helper.sh("cd %s && find . -name '*.html' | sort", directory):gmatch("[^\n]+") do
      local seen = {}
      for id in read(directory .. "/" .. page):gmatch(' id="([^"]*)"') do
        assert.is_nil(seen[id], page .. ": " .. id)
        seen[id] = true
      end
      pages[#pages + 1] = ("'%s'"):format(page)
    end
    assert.is_true(#pages > 20)
    needs("chromium")
    local file <close> = assert(io.open(directory .. "/measure.html", "w"))
    assert(file:write(([[<!DOCTYPE html><pre id="all"></pre><script>
      const all = document.getElementById("all");
      (async () => {
        for (const page of [%s]) {
          const frame = document.createElement("iframe");
          frame.width = 375;
          frame.src = page;
          await new Promise(done => { frame.onload = done; document.body.append(frame); });
          const width = frame.contentDocument.documentElement.scrollWidth;
          all.append((width > 375 ? "wide " + page + " " + width : "fits") + ";");
          frame.remove();
        }
      })();
    </script>]]):format(table.concat(pages, ","))))
    file:close()
    local code, out = helper.run(("chromium --headless=new --no-sandbox --disable-gpu --allow-file-access-from-files --user-data-dir=%s/chromium "
      .. "--virtual-time-budget=600000 --dump-dom file://%s/measure.html"):format(directory, directory))
    assert.same({ 0, ("fits;"):rep(#pages) }, { code, out:match('<pre id="all">(.-)</pre>') })
  end)

  it("has types for editors that are Lua", function()
    local env = {}
    assert(loadfile("packaging/types/guestlua.lua", "t", env))()
    assert.is_function(env.guestlua.open)
    local text = read("packaging/types/guestlua.lua")
    assert.matches("\n%-%-%-@class guestlua%.CommitOptions\n%-%-%-@field relative%? boolean ", text)
    assert.matches("\n%-%-%-@return guestlua%.Guest%? #[^\n]*\nfunction Host:guest%(name_or_uuid[^)]*%) end\n", text)
  end)

  it("names files that are there", function()
    for _, page in ipairs({ "README.md", "CONTRIBUTING.md", "doc/manual.md" }) do
      local directory = page:match("^.*/") or ""
      for link in read(page):gmatch("%]%(([^)#:]+)%)") do
        assert.is_truthy(io.open(directory .. link), page .. " names " .. link)
      end
    end
  end)
end)

describe("Completion", function()
  -- What bash offers for the last of these words, sorted.
  local function bash(...)
    local words = {}
    for i, word in ipairs({ ... }) do
      words[i] = helper.quoted(word)
    end
    local script = ("source packaging/completions/guestlua.bash; "
      .. "COMP_WORDS=(%s %s); COMP_CWORD=%d; _guestlua; printf '%%s\\n' \"${COMPREPLY[@]}\"")
      :format(helper.interpreter, table.concat(words, " "), #words)
    local code, out, err = helper.run("bash -c " .. helper.quoted(script))
    assert.same({ 0, "" }, { code, err })
    local offered = {}
    for line in out:gmatch("[^\n]+") do
      offered[#offered + 1] = line
    end
    table.sort(offered)
    return offered
  end

  it("in bash knows the options", function()
    assert.same({ "--log-file", "--log-format", "--log-level" }, bash("--log"))
    assert.same({ "--readonly" }, bash("-c", "test:///default", "--rea"))
    local all, count = bash("-"), 0
    for _, option in ipairs(require("guestlua.command.options")) do
      count = count + (option.short and 1 or 0) + (option.long and 1 or 0) + ((option.word or ""):find("^%-") and 1 or 0)
    end
    assert.equal(count, #all)
  end)

  it("in bash knows the options' arguments", function()
    assert.same({ "debug" }, bash("--log-level", "d"))
    assert.same({ "trace" }, bash("--log-level", "=", "t"))
    assert.same({ "0", "1", "2", "3", "4" }, bash("-rd", ""))
    assert.same({ "doc/guestlua.1" }, bash("--log-file", "doc/guestlua"))
    assert.same({}, bash("-e", ""))
  end)

  it("in bash knows connections, though bash breaks them at their colon", function()
    assert.same({ "qemu:///session", "qemu:///system", "test:///default" }, bash("-c", ""))
    assert.same({ "///session", "///system" }, bash("-c", "qemu", ":", "///s"))
    assert.same({ "///default" }, bash("--connect", "=", "test", ":", ""))
    assert.same({ "qemu:///system" }, bash("-c", "qemu:///sy"))
  end)

  it("in bash offers scripts, then any file", function()
    assert.same({ "examples" }, bash("exa"))
    assert.same({ "examples/snapshot_then_commit.lua" }, bash("-c", "qemu", ":", "///system", "examples/snap"))
    assert.same({}, bash("doc/guestlua"))
    assert.same({ "doc/guestlua.1" }, bash("examples/snapshot_then_commit.lua", "doc/guestlua"))
    assert.same({ "doc/make.lua", "doc/man.lua" }, bash("--check", "doc/html.lua", "doc/ma"))
  end)

  it("in bash knows the commands, and their options", function()
    assert.same({ "backup", "backups" }, bash("back"))
    assert.same({ "recover" }, bash("-c", "test:///default", "recov"))
    assert.same({}, bash("--check", "recov"))
    assert.same({ "restore" }, bash("help", "rest"))
    assert.same({ "--level" }, bash("backup", "web1", "--lev"))
    assert.same({ "auto", "full", "incremental" }, bash("backup", "--level", ""))
    assert.same({ "--level=full" }, bash("backup", "--level=f"))
    assert.same({ "full" }, bash("backup", "--level", "=", "f"))
    assert.same({ "doc/guestlua.1" }, bash("metrics", "--file", "doc/guestlua"))
    assert.same({}, bash("recover", "--forget", ""))
    assert.same({ "--level" }, bash("-q", "backup", "--all", "--lev"))
    assert.same({ "doc/guestlua.1" }, bash("examples/snapshot_then_commit.lua", "backup", "doc/guestlua"))
  end)

  it("in bash knows the guests of the host, whatever they are called", function()
    assert.same({ "test" }, bash("-c", "test", ":", "///default", "console", ""))
    assert.same({ "test" }, bash("backup", "--connect", "=", "test", ":", "///default", "--all", "te"))
    assert.same({ "test" }, bash("-qc", "test", ":", "///default", "recover", "--guest", "=", "t"))
    assert.same({}, bash("-c", "test", ":", "///default", "console", "x"))
    assert.same({}, bash("-c", "test", ":", "///no/such/file", "console", ""))
    assert.same({}, bash("-c", "test", ":", "///default", "top", "te"))
    local directory = scratch()
    local file <close> = assert(io.open(directory .. "/node.xml", "w"))
    local domain = "<domain type='test'><name>%s</name><memory>8192</memory><os><type>hvm</type></os></domain>"
    file:write("<node>", domain:format("$(touch " .. directory:gsub("/", "\\") .. "x)"), domain:format("a `b` c"), domain:format("a'c"), "</node>")
    file:close()
    assert.same({ "a\\ \\`b\\`\\ c", "a\\'c" }, bash("-c", "test", ":", "//" .. directory .. "/node.xml", "console", "a"))
    assert.same({ "node.xml" }, { helper.sh("ls %s", directory):match("[^\n]+") })
  end)

  it("in zsh is zsh", function()
    needs("zsh")
    assert.same({ 0, "", "" }, { helper.run("zsh -n packaging/completions/_guestlua") })
  end)

  it("in zsh knows the commands, and their options", function()
    local text = read("packaging/completions/_guestlua")
    for _, option in ipairs(require("guestlua.command.options")) do
      local word = (option.word or ""):match("^%a+$")
      assert.is_truthy(not word or text:find(("\n      %s)\n        _arguments "):format(word), 1, true), word)
    end
    assert.is_truthy(text:find("--level='[", 1, true))
  end)
end)

describe("CONTRIBUTING.md", function()
  it("shows a libvirt call as it is in the source", function()
    local source = read("src/virt/guest/power.c"):gsub("\n\n", "\n")
    local example = read("CONTRIBUTING.md"):match("```c\n(.-)```"):gsub("\n\n", "\n")
    assert.is_truthy(source:find(example, 1, true), example)
  end)

  it("names every file of the core", function()
    local text = read("CONTRIBUTING.md")
    for path in io.popen("find src -name '*.c'"):lines() do
      local name = path:match("([^/]+)%.c$")
      assert.is_truthy(text:find("%f[%w_]" .. name .. "%f[^%w_]"), path)
    end
  end)
end)

describe("doc/coming_from.md", function()
  local CLASSES = { guest = "Guest", disk = "BlockDevice", host = "Host", network = "Network", port = "NetworkPort", interface = "Interface",
    filter = "NWFilter", binding = "NWFilterBinding", pool = "StoragePool", volume = "StorageVol", device = "NodeDevice", secret = "Secret",
    snapshot = "Snapshot", checkpoint = "Checkpoint", workflow = "workflow" }
  local virsh = read("doc/coming_from.md"):match("## From virsh(.-)## From libvirt%-python")

  it("names nothing that is not there", function()
    local classes = {}
    for _, class in ipairs(require("doc.classes")) do
      classes[class.name] = class
    end
    local function is_there(class, name)
      for _, list in ipairs({ class.methods, class.fields }) do
        for _, row in ipairs(list) do
          if row.name == name then
            return true
          end
        end
      end
      return class.inherits ~= nil and is_there(classes[class.inherits], name)
    end
    for object, name in virsh:gmatch("`(%l+)[:.]([%a_]+)") do
      assert.is_true(not CLASSES[object] or is_there(classes[CLASSES[object]], name), object .. ":" .. name)
    end
  end)
end)
