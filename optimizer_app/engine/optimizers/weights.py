"""BootstrapFinetune and BetterTogether: optimizers that train the language model itself."""

from typing import TYPE_CHECKING, Any, cast

from optimizer_app.engine.optimizers.base import CompileJob, Optimizer, Parameters, Sizes, Work, make
from optimizer_app.engine.optimizers.few_shot import (
    BOOTSTRAPPED,
    CANDIDATES,
    LABELED,
    THRESHOLD,
    random_search_work,
)
from optimizer_app.engine.parameters import Parameter

if TYPE_CHECKING:
    import dspy

    from optimizer_app.engine.programs import ProgramModule

TEACHER_DEMOS = Parameter(
    "teacher_demos", "Demos of the teacher", "int", 32,
    "Labeled examples in the prompt of the teacher, whose good answers the model is trained on.", 0, 128,
)  # fmt: skip
TRAINING = (
    Parameter("epochs", "Epochs", "int", 3, "Passes over the training data. Local models only.", 1, 200),
    Parameter("learning_rate", "Learning rate", "float", 5e-4, "Local models only.", 1e-7, 1),
    Parameter(
        "lora_rank", "LoRA rank", "int", 0, "0 trains all weights; 8 or 16 trains a small adapter. Local models only.",
        0, 256,
    ),
)  # fmt: skip
STRATEGIES = (
    ("p -> w", "Demos, then weights"), ("w -> p", "Weights, then demos"), ("p -> w -> p", "Demos, weights, demos"),
)  # fmt: skip
_SEARCH = ("num_candidate_programs", "max_bootstrapped_demos", "max_labeled_demos", "metric_threshold")


def _compile_finetune(job: CompileJob) -> "ProgramModule":
    job.module.set_lm(job.task)
    compiled = _finetuner(job).compile(job.module, trainset=job.train, teacher=_teacher(job))
    return cast("ProgramModule", compiled)


def _compile_together(job: CompileJob) -> "ProgramModule":
    import dspy

    parameters = job.parameters
    search = make(
        dspy.BootstrapFewShotWithRandomSearch,
        metric=job.metric,
        num_threads=job.threads,
        **{name: parameters[name] for name in _SEARCH},
    )
    together = dspy.BetterTogether(metric=job.metric, p=search, w=_finetuner(job))
    job.module.set_lm(job.task)
    compiled: Any = together.compile(
        job.module,
        trainset=job.train,
        valset=job.validation,
        num_threads=job.threads,
        seed=job.seed,
        strategy=parameters["strategy"],
        optimizer_compile_args={"w": {"teacher": _teacher(job)}},
    )
    if compiled.flag_compilation_error_occurred:
        raise RuntimeError("A step of BetterTogether failed; the log says which and why.")
    return cast("ProgramModule", compiled)


def _finetuner(job: CompileJob) -> "dspy.BootstrapFinetune":
    import dspy

    threshold = job.parameters["metric_threshold"]
    training = {name: job.parameters[name] for name in ("epochs", "learning_rate", "lora_rank")} | {"seed": job.seed}
    return make(
        dspy.BootstrapFinetune,
        # DSPy keeps whatever is not 0
        metric=lambda gold, prediction, trace=None: job.metric(gold, prediction) >= threshold,
        train_kwargs=training if job.task.model.startswith("local/") else {},
        exclude_demos=True,
        num_threads=job.threads,
    )


def _teacher(job: CompileJob) -> "ProgramModule":
    """The program with many demos, answering with the teacher's model."""
    import dspy

    demos = job.parameters["teacher_demos"]
    module = job.rebuild({})
    if len(module.predictors()) == 1:
        teacher = dspy.LabeledFewShot(k=demos).compile(module, trainset=job.train)
    else:  # only what the program itself answered well shows what its inner steps should say
        bootstrap = make(
            dspy.BootstrapFewShot, metric=job.metric, metric_threshold=job.parameters["metric_threshold"],
            max_bootstrapped_demos=max(1, demos // 2), max_labeled_demos=demos, teacher_settings=job.teacher_settings,
        )  # fmt: skip
        teacher = bootstrap.compile(module, trainset=job.train)
    teacher.set_lm(job.teacher)
    return cast("ProgramModule", teacher)


def _finetune_work(sizes: Sizes, parameters: Parameters) -> Work:
    teaching = 0 if sizes.predictors == 1 else sizes.train
    collected = (sizes.train, sizes.train)
    return Work(sizes.train, sizes.train + teaching, teaching=collected, always_taught=True)


def _together_work(sizes: Sizes, parameters: Parameters) -> Work:
    search = random_search_work(sizes, {**parameters, "max_rounds": 1})
    steps = parameters["strategy"].split(" -> ")
    own = (1 + len(steps)) * sizes.validation + sizes.train * steps.count("w")
    teaching = sizes.train if sizes.predictors > 1 else 0
    collected = sizes.train * steps.count("w")
    return Work(
        own + steps.count("p") * search.low,
        own + teaching + steps.count("p") * search.high,
        teaching=(collected, collected),
        always_taught=True,
    )


BOOTSTRAP_FINETUNE = Optimizer(
    "BootstrapFinetune",
    "Trains the model on a teacher's good answers. Short prompts afterwards; only for models that can be trained.",
    (TEACHER_DEMOS, THRESHOLD, *TRAINING),
    minimum_train=8,
    work=_finetune_work,
    compile=_compile_finetune,
    changes=("weights",),
    reflects=True,
)
BETTER_TOGETHER = Optimizer(
    "BetterTogether",
    "Random search for demos and fine-tuning in turn; the best on validation is kept.",
    (
        Parameter("strategy", "Order", "choice", "p -> w", "What is done in turn.", choices=STRATEGIES),
        CANDIDATES,
        BOOTSTRAPPED,
        LABELED,
        TEACHER_DEMOS,
        THRESHOLD,
        *TRAINING,
    ),
    minimum_train=8,
    work=_together_work,
    compile=_compile_together,
    changes=("demos", "weights"),
    reflects=True,
)
