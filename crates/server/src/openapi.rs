//! The description of the API (OpenAPI 3.1), made from the handlers themselves.

use std::borrow::Cow;

use utoipa::openapi::schema::{AnyOfBuilder, ObjectBuilder, Schema, Type};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Required,
    ResponseBuilder,
};
use utoipa::{PartialSchema, ToSchema};

use crate::doctor_vacations::DoctorVacationIn;
use crate::drugs::DrugIn;
use crate::problem::{FieldError, Problem};

/// Where the resources of this version are.
pub const PREFIX: &str = "/api/v1";

/// A whole drug, as a replacement takes it: with its stock, which never becomes none by being left out.
#[derive(Debug)]
pub enum DrugReplacement {}

/// A merge patch of a drug: the members of [`DrugIn`], none required, null where one goes back to its default.
#[derive(Debug)]
pub enum DrugPatch {}

/// A merge patch of an absence: the members of [`DoctorVacationIn`], none required.
#[derive(Debug)]
pub enum DoctorVacationPatch {}

/// What the description says before the handlers add to it.
pub fn base() -> OpenApi {
    let problem = [
        (Problem::name().to_string(), Problem::schema()),
        (FieldError::name().to_string(), FieldError::schema()),
    ];
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Medicine Tracker")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(
                    "Keeps a household's drugs, and tells when each runs out and by when to order it. \
                     A 2xx answer to a write means that it is on disk.",
                )),
        )
        .components(Some(ComponentsBuilder::new().schemas_from_iter(problem).build()))
        .build()
}

/// Gives every operation the one answer for all its errors.
pub fn with_problems(mut document: OpenApi) -> OpenApi {
    let problem = ResponseBuilder::new()
        .description("A problem document (RFC 9457) says what was wrong; nothing was changed.")
        .content(
            "application/problem+json",
            ContentBuilder::new()
                .schema(Some(Ref::from_schema_name(Problem::name())))
                .build(),
        )
        .build();
    for path in document.paths.paths.values_mut() {
        let operations = [
            &mut path.get,
            &mut path.put,
            &mut path.post,
            &mut path.delete,
            &mut path.patch,
        ];
        for operation in operations.into_iter().flatten() {
            operation
                .responses
                .responses
                .insert("default".to_owned(), RefOr::T(problem.clone()));
        }
    }
    document
}

/// Lets the body of a refill be left out: one package is what came in then. The derive knows an optional
/// body only as one that may be null, and null is refused.
pub fn with_optional_refill(mut document: OpenApi) -> OpenApi {
    let refill = document
        .paths
        .paths
        .get_mut(&format!("{PREFIX}/drugs/{{id}}/refill"));
    let body = refill.and_then(|path| path.post.as_mut()?.request_body.as_mut());
    let Some(RefOr::T(body)) = body else {
        unreachable!("a refill is described, with its body in place")
    };
    body.required = Some(Required::False);
    document
}

/// A schema that null satisfies as well.
pub fn nullable(schema: RefOr<Schema>) -> RefOr<Schema> {
    let null = ObjectBuilder::new().schema_type(Type::Null);
    RefOr::T(AnyOfBuilder::new().item(schema).item(null).into())
}

/// The schema of a merge patch of a document: every member may be absent.
fn patch_of(document: RefOr<Schema>, never_null: &[&str]) -> RefOr<Schema> {
    let RefOr::T(Schema::Object(mut object)) = document else {
        unreachable!("a document that is patched is an object")
    };
    object.required.clear();
    for (name, member) in &mut object.properties {
        if !never_null.contains(&name.as_str()) {
            let document = std::mem::replace(member, RefOr::T(Schema::default()));
            *member = nullable(document);
        }
    }
    RefOr::T(Schema::Object(object))
}

impl PartialSchema for DrugReplacement {
    fn schema() -> RefOr<Schema> {
        let RefOr::T(Schema::Object(mut object)) = DrugIn::schema() else {
            unreachable!("a drug is an object")
        };
        object.required.push("current_amount".to_owned());
        RefOr::T(Schema::Object(object))
    }
}

impl ToSchema for DrugReplacement {
    fn name() -> Cow<'static, str> {
        "DrugReplacement".into()
    }
}

impl PartialSchema for DrugPatch {
    fn schema() -> RefOr<Schema> {
        let never_null = ["name", "schedule_type", "package_size", "current_amount"];
        patch_of(DrugIn::schema(), &never_null)
    }
}

impl ToSchema for DrugPatch {
    fn name() -> Cow<'static, str> {
        "DrugPatch".into()
    }
}

impl PartialSchema for DoctorVacationPatch {
    fn schema() -> RefOr<Schema> {
        patch_of(DoctorVacationIn::schema(), &["start_date", "end_date"])
    }
}

impl ToSchema for DoctorVacationPatch {
    fn name() -> Cow<'static, str> {
        "DoctorVacationPatch".into()
    }
}
