"""A medicine tracker as FastAPI and SQLAlchemy are usually put together: what the service is measured against."""

import unicodedata
from contextlib import asynccontextmanager
from datetime import date, datetime, timezone
from typing import Annotated, Literal

from fastapi import Depends, FastAPI, HTTPException, Response
from pydantic import BaseModel, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session as OrmSession

import rules
from store import Base, DoctorVacation, Drug, Session, engine

ScheduleType = Literal["daily", "weekly_alternating", "as_needed"]
AMOUNTS = (*rules.DOSES, "even_week_pills", "odd_week_pills", "current_amount", "package_size")
SORT_KEYS = {
    "id": Drug.id,
    "name": Drug.search_text,
    "days_remaining": Drug.run_out_date,
    "order_by": Drug.reorder_date,
}


class DrugIn(BaseModel):
    name: Annotated[str, Field(min_length=1, max_length=200)]
    dosage_strength: Annotated[str, Field(max_length=100)] | None = None
    unit: Annotated[str, Field(min_length=1, max_length=30)] = "tablet"
    schedule_type: ScheduleType
    morning_pre_food: Annotated[float, Field(ge=0, le=1_000_000)] = 0
    morning_post_food: Annotated[float, Field(ge=0, le=1_000_000)] = 0
    noon_pre_food: Annotated[float, Field(ge=0, le=1_000_000)] = 0
    noon_post_food: Annotated[float, Field(ge=0, le=1_000_000)] = 0
    evening_pre_food: Annotated[float, Field(ge=0, le=1_000_000)] = 0
    evening_post_food: Annotated[float, Field(ge=0, le=1_000_000)] = 0
    night: Annotated[float, Field(ge=0, le=1_000_000)] = 0
    even_week_pills: Annotated[float, Field(ge=0, le=1_000_000)] | None = None
    odd_week_pills: Annotated[float, Field(ge=0, le=1_000_000)] | None = None
    start_date: date | None = None
    end_date: date | None = None
    current_amount: Annotated[float, Field(ge=0, le=1_000_000)] = 0
    package_size: Annotated[float, Field(gt=0, le=1_000_000)]
    reorder_lead_days: Annotated[int, Field(ge=0, le=365)] = 21
    archived: bool = False
    instructions: Annotated[str, Field(max_length=2000)] | None = None


class DrugPatch(DrugIn):
    name: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    schedule_type: ScheduleType | None = None
    package_size: Annotated[float, Field(gt=0, le=1_000_000)] | None = None


class RefillIn(BaseModel):
    packages: Annotated[int, Field(ge=1, le=1000)] = 1


class DoctorAway(BaseModel):
    returns_on: date
    days_without_drug: int


class DrugOut(DrugIn):
    id: int
    counted_on: date
    days_remaining: int | None
    weeks_remaining: int | None
    run_out_date: date | None
    order_by: date | None
    needs_reorder: bool
    current_week_type: Literal["even", "odd"] | None
    current_week_pills: float | None
    doctor_away: DoctorAway | None
    created_at: datetime
    updated_at: datetime


@asynccontextmanager
async def lifespan(_app):
    Base.metadata.create_all(engine)
    yield


app = FastAPI(title="Medicine Tracker", lifespan=lifespan)


def session():
    with Session() as opened:
        yield opened


Db = Annotated[OrmSession, Depends(session)]


def absences_of(db):
    return rules.Absences(db.execute(select(DoctorVacation.start_date, DoctorVacation.end_date)).all())


def search_key(text):
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def out(drug, absences, today):
    members = {name: getattr(drug, name) for name in DrugIn.model_fields}
    members["current_amount"] = rules.amount_on(drug, today)
    for name in AMOUNTS:
        members[name] = None if members[name] is None else members[name] / 1000
    even = today.isocalendar().week % 2 == 0
    alternates = drug.schedule_type == "weekly_alternating"
    return DrugOut(
        **members,
        **rules.outlook(drug, absences, today),
        id=drug.id,
        counted_on=drug.counted_on,
        current_week_type=("even" if even else "odd") if alternates else None,
        current_week_pills=members["even_week_pills" if even else "odd_week_pills"],
        created_at=drug.created_at,
        updated_at=drug.updated_at,
    )


def tagged(drug, db, response):
    response.headers["ETag"] = f'"{drug.version}"'
    return out(drug, absences_of(db), date.today())


def found(db, drug_id):
    drug = db.get(Drug, drug_id)
    if drug is None:
        raise HTTPException(404, "There is no such drug.")
    return drug


def write(drug, members):
    for name, value in members.items():
        is_amount = name in AMOUNTS and value is not None
        setattr(drug, name, round(value * 1000) if is_amount else value)
    if "current_amount" in members:
        drug.counted_on = date.today()
    drug.search_text = f"{search_key(drug.name)}\n{search_key(drug.dosage_strength or '')}"
    rules.project(drug)
    drug.updated_at = datetime.now(timezone.utc)


@app.get("/health/ready")
def ready(db: Db):
    db.execute(select(1))
    return {"status": "ready"}


@app.get("/api/v1/drugs", response_model=list[DrugOut])
def list_drugs(
    db: Db,
    response: Response,
    skip: int = 0,
    limit: Annotated[int, Field(ge=1, le=200)] = 50,
    q: str | None = None,
    needs_reorder: bool | None = None,
    schedule_type: ScheduleType | None = None,
    sort: str = "id",
):
    absences, today = absences_of(db), date.today()
    query = select(Drug).where(Drug.archived.is_(False))
    if schedule_type is not None:
        query = query.where(Drug.schedule_type == schedule_type)
    for word in search_key(q or "").split():
        query = query.where(Drug.search_text.contains(word, autoescape=True))
    if needs_reorder is not None:
        # What is due is known to the rules and not to the table, so every drug is looked at.
        drugs = [
            drug
            for drug in db.scalars(query)
            if rules.outlook(drug, absences, today)["needs_reorder"] == needs_reorder
        ]
        if needs_reorder:
            drugs.sort(key=lambda drug: (drug.reorder_date, drug.id))
        response.headers["X-Total-Count"] = str(len(drugs))
        return [out(drug, absences, today) for drug in drugs[skip : skip + limit]]
    total = db.scalar(select(func.count()).select_from(query.subquery()))
    column, descending = SORT_KEYS[sort.removeprefix("-")], sort.startswith("-")
    keys = (column.desc(), Drug.id.desc()) if descending else (column, Drug.id)
    drugs = db.scalars(query.order_by(*keys).offset(skip).limit(limit))
    response.headers["X-Total-Count"] = str(total)
    return [out(drug, absences, today) for drug in drugs]


@app.post("/api/v1/drugs", response_model=DrugOut, status_code=201)
def create_drug(db: Db, body: DrugIn, response: Response):
    drug = Drug(version=1, created_at=datetime.now(timezone.utc))
    write(drug, body.model_dump())
    db.add(drug)
    db.flush()
    answer = tagged(drug, db, response)
    db.commit()
    return answer


@app.get("/api/v1/drugs/{drug_id}", response_model=DrugOut)
def read_drug(db: Db, drug_id: int, response: Response):
    return tagged(found(db, drug_id), db, response)


@app.patch("/api/v1/drugs/{drug_id}", response_model=DrugOut)
def patch_drug(db: Db, drug_id: int, body: DrugPatch, response: Response):
    drug = found(db, drug_id)
    write(drug, body.model_dump(exclude_unset=True))
    drug.version += 1
    answer = tagged(drug, db, response)
    db.commit()
    return answer


@app.post("/api/v1/drugs/{drug_id}/refill", response_model=DrugOut)
def refill_drug(db: Db, drug_id: int, body: RefillIn, response: Response):
    drug, today = found(db, drug_id), date.today()
    added = drug.package_size * body.packages
    if drug.run_out_date < today:
        drug.current_amount, drug.counted_on = added, today
    else:
        drug.current_amount += added
    rules.project(drug)
    drug.version += 1
    drug.updated_at = datetime.now(timezone.utc)
    answer = tagged(drug, db, response)
    db.commit()
    return answer
