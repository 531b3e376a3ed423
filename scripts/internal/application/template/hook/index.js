// `s init` calls this once src/ is in place. It turns the answers into .env, which s.yaml reads. Without any (s init -y) there is
// nothing to fill in, and the example stands in to be edited.
exports.postInit = async ({ appPath, artTemplate, fs }) => {
  const questions = `${appPath}/.env.questions`
  try {
    artTemplate('.env.questions')
    fs.copySync(questions, `${appPath}/.env`)
  } catch {
    fs.copySync(`${appPath}/.env.example`, `${appPath}/.env`)
  }
  fs.chmodSync(`${appPath}/.env`, 0o600) // it may hold secrets
  fs.removeSync(questions)
}
