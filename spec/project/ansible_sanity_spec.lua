-- What ansible-test says of the collection, as far as it needs nothing from a network.

local helper = require("spec.support.helper")
local json = require("dkjson")

-- Their requirements come by pip. Which of these says something about this collection runs below with what Debian has.
local BY_PIP = { "ansible-doc", "import", "pep8", "pylint", "runtime-metadata", "validate-modules", "yamllint" }

local SANITY = "/usr/lib/python3/dist-packages/ansible_test/_util/controller/sanity"
local VALIDATE = SANITY .. "/validate-modules/validate.py"

-- Debian's packages of the same tools, with ansible-test's configuration.
local TOOLS = {
  pep8 = { package = "python3-pycodestyle", has = "/usr/bin/python3 -m pycodestyle --version", run = "/usr/bin/python3 -m pycodestyle "
    .. "--config /dev/null --max-line-length 160 --ignore $(grep -oE \"^[A-Z][0-9]+\" " .. SANITY .. "/pep8/current-ignore.txt | paste -sd ,) "
    .. "$(find . -name \"*.py\")" },
  yamllint = { package = "yamllint", has = "yamllint --version", run = "yamllint -c " .. SANITY .. "/yamllint/config/default.yml "
    .. "$(find . -name \"*.yml\")" },
  pylint = { package = "pylint", has = "pylint --version", run = "pylint --score n --rcfile " .. SANITY .. "/pylint/config/collection.cfg "
    .. "--load-plugins= --disable unknown-option-value $(find plugins -name \"*.py\")" },
}

describe("The Ansible collection's sanity", function()
  local directory, collection
  setup(function()
    directory = helper.scratch()
    collection = directory .. "/ansible_collections/guestlua/guestlua"
    assert(os.execute(("mkdir -p %s && cp -r packaging/ansible/guestlua/guestlua/. %s"):format(collection, collection)))
  end)

  local function run(command)
    return helper.run(("sh -c 'cd %s && exec env HOME=%s PYTHONDONTWRITEBYTECODE=1 ANSIBLE_COLLECTIONS_PATH=%s %s'"):format(collection, directory,
      directory, command))
  end

  it("is as ansible-test has it", function()
    if not os.execute("command -v ansible-test >/dev/null") then
      return pending("no ansible-test: install the package ansible-core")
    end
    local _, version = run("/usr/bin/python3 --version")
    local code, out, err = run(("ansible-test sanity --color no --python %s --skip-test %s"):format(version:match("%d+%.%d+"),
      table.concat(BY_PIP, " --skip-test ")))
    assert.equal(0, code, out .. err)
    assert.matches('Running sanity test "compile"', out .. err)
  end)

  for name, tool in pairs(TOOLS) do
    it("has nothing that " .. name .. " finds", function()
      if run(tool.has) ~= 0 then
        return pending("no " .. name .. ": install the package " .. tool.package)
      elseif run("test -d " .. SANITY) ~= 0 then
        return pending("no ansible-test: install the package ansible-core")
      end
      local code, out, err = run(tool.run)
      assert.same({ 0, "" }, { code, out }, err)
    end)
  end

  it("has documentation that ansible-doc shows", function()
    if not os.execute("command -v ansible-doc >/dev/null") then
      return pending("no ansible-doc: install the package ansible-core")
    end
    for name, kind in pairs({ guestlua = "module", guest = "module", guest_info = "module", guests = "inventory" }) do
      local code, out, err = run(("ansible-doc --json -t %s guestlua.guestlua.%s"):format(kind, name))
      assert.equal(0, code, err)
      local shown = json.decode(out)["guestlua.guestlua." .. name]
      assert.is_truthy(shown.doc.short_description and shown.examples, name)
      assert.equal(kind == "module", type(shown["return"]) == "table", name)
    end
  end)

  it("has documentation that fits the arguments", function()
    local code, _, why = run(("/usr/bin/python3 %s --help"):format(VALIDATE))
    if code ~= 0 then -- newer ones need antsibull_docs_parser as well
      return pending("no validate-modules: install the packages ansible-core and python3-voluptuous: " .. (why:match("([^\n]*)\n*$") or ""))
    end
    for kind, options in pairs({ modules = "", inventory = "--plugin-type inventory" }) do
      local _, out, err = run(("/usr/bin/python3 %s --arg-spec --collection ansible_collections/guestlua/guestlua %s plugins/%s/*.py"):format(
        VALIDATE, options, kind))
      local said = {}
      for line in (out .. err):gmatch("[^\n]+") do
        said[#said + 1] = not line:find("missing-gplv3-license", 1, true) and line or nil
      end
      assert.same({}, said)
      assert.matches("missing%-gplv3%-license", out .. err) -- it did look
    end
  end)
end)
